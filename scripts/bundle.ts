import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { build, type BuildOptions, type BuildResult, type Plugin } from 'esbuild';
import { describeCommit } from './describe-commit.ts';
import { readManifest } from './manifest.ts';

export const ROOT: string = join(import.meta.dirname, '..');

/**
 * The program as two texts in ASCII, each the body of an async function with the free names `require` and `importMeta`.
 * Together they would be read and instantiated at every start, which is most of what `--help` takes.
 */
export interface Program {
  /** cmd/start.ts. Free too: `loadProgram`, an async function that evaluates the other text. */
  readonly start: string;
  /** cmd/main.ts, with all that its commands import. */
  readonly main: string;
  /** Licence comments of what is inside. */
  readonly legal: string;
  /** The files that the texts are made of, from the project's root. */
  readonly inputs: ReadonlySet<string>;
}

/**
 * Node's own modules are loaded by `require` where they are used first: a static import of what an old Node has not
 * would fail before any line of this program.
 */
const NODE_MODULES_LATE: Plugin = {
  name: 'node-modules-late',
  setup: (builder) => {
    builder.onResolve({ filter: /^[a-z_:/\d]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      return kind === 'require-call' ? { path, external: true } : { path, namespace: 'node-module-late' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'node-module-late' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
  },
};

/** Ink asks for React's developer tools where DEV is set, and nobody ships them. */
const NO_DEVELOPER_TOOLS: Plugin = {
  name: 'no-developer-tools',
  setup: (builder) => {
    builder.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'empty' }));
    builder.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: '' }));
  },
};

/** What a command imports when it runs is not a part of the start. */
const WITHOUT_LATE_IMPORTS: Plugin = {
  name: 'without-late-imports',
  setup: (builder) => {
    builder.onResolve({ filter: /.*/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

/** Their CommonJS form cannot be shaken: it brings every constant of OpenTelemetry's conventions, and half a megabyte. */
const OPENTELEMETRY_ESM = {
  '@opentelemetry/core': '@opentelemetry/core/build/esm/index.js',
  '@opentelemetry/otlp-transformer': '@opentelemetry/otlp-transformer/build/esm/index.js',
  '@opentelemetry/resources': '@opentelemetry/resources/build/esm/index.js',
  '@opentelemetry/sdk-trace': '@opentelemetry/sdk-trace/build/esm/index.js',
  '@opentelemetry/sdk-trace-base': '@opentelemetry/sdk-trace-base/build/esm/index-shim.js',
};

const NODE = {
  absWorkingDir: ROOT,
  alias: OPENTELEMETRY_ESM,
  bundle: true,
  charset: 'ascii',
  legalComments: 'external',
  logLevel: 'warning',
  metafile: true,
  outdir: ROOT,
  platform: 'node',
  target: 'node22.19',
  write: false,
} as const satisfies BuildOptions;

/** Bundles the program and its worker. */
export async function bundleProgram(): Promise<Program> {
  const { version } = await readManifest();
  const worker = await build({
    ...NODE,
    entryPoints: ['src/store/index-worker.ts'],
    format: 'cjs',
    plugins: [NODE_MODULES_LATE],
  });
  const options = {
    ...NODE,
    // Ink and Yoga wait at their top level, which only ESM can.
    format: 'esm',
    define: {
      'import.meta': 'importMeta',
      // React's slow and talkative half is left out.
      'process.env.NODE_ENV': '"production"',
      'process.env.DEV': '"false"',
      REGCACHE_COMMIT: JSON.stringify(await describeCommit(ROOT)),
      REGCACHE_INDEX_WORKER: JSON.stringify(textOf(worker, '.js')),
      REGCACHE_VERSION: JSON.stringify(version),
    },
  } as const satisfies BuildOptions;
  const main = await build({
    ...options,
    entryPoints: ['cmd/main.ts'],
    plugins: [NODE_MODULES_LATE, NO_DEVELOPER_TOOLS],
  });
  const start = await build({
    ...options,
    entryPoints: ['cmd/start.ts'],
    plugins: [WITHOUT_LATE_IMPORTS, NODE_MODULES_LATE],
  });
  return {
    start: functionBody(textOf(start, '.js')),
    main: functionBody(textOf(main, '.js')),
    legal: textOf(main, '.LEGAL.txt'),
    inputs: new Set([worker, main, start].flatMap(inputsOf)),
  };
}

function textOf(result: BuildResult<{ write: false }>, ending: string): string {
  const file = result.outputFiles.find(({ path }) => path.endsWith(ending));
  if (file === undefined) throw new Error(`esbuild made no ${ending}`);
  return file.text;
}

/**
 * V8 reads text in ASCII alone as it is, and copies any other to twice its size. What esbuild has left is in regular
 * expressions and comments.
 * @throws where the text is not the body of a function
 */
function functionBody(text: string): string {
  const [statement] = /^(?:import|export)\b.*$/m.exec(text) ?? [];
  if (statement !== undefined) throw new Error(`the bundle still has ${statement}`);
  return `"use strict";\n${text.replaceAll(/[^\0-\x7F]/g, escapeUnit)}`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function inputsOf({ metafile }: BuildResult<{ metafile: true }>): string[] {
  return Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}
