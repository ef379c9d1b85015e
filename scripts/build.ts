import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle, type BuildOptions, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'dist', 'regcache.mjs');

/**
 * Node's own modules are loaded by `require`, which runs after the banner: a static import of what
 * an old Node has not would fail before any line of this program.
 */
const NODE_MODULES_LATE: Plugin = {
  name: 'node-modules-late',
  setup: (builder) => {
    builder.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace: 'node-module-late' },
    );
    builder.onLoad({ filter: /.*/, namespace: 'node-module-late' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
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

/** Ink asks for React's developer tools where `DEV` is set: they are no part of the program. */
const NO_DEVTOOLS: Plugin = {
  name: 'no-devtools',
  setup: (builder) => {
    builder.onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({
      path,
      namespace: 'no-devtools',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'no-devtools' }, () => ({ contents: '' }));
  },
};

const NODE: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node22.19',
  charset: 'utf8',
  absWorkingDir: ROOT,
  logLevel: 'warning',
  write: false,
  plugins: [NODE_MODULES_LATE, NO_DEVTOOLS],
  alias: OPENTELEMETRY_ESM,
};

/**
 * What every start runs first: an old Node gets one clear line instead of a stack trace, and
 * CommonJS packages inside the bundle get their `require`.
 */
const BANNER = `#!/usr/bin/env node
import { createRequire as createRequireOfBundle } from 'node:module';
{
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 19)) {
    process.stderr.write('regcache: needs Node 22.19 or newer, and this is ' + process.version + ': start it with a newer one, as in "node24 ' + process.argv[1] + '"\\n');
    process.exit(2);
  }
}
const require = createRequireOfBundle(import.meta.url);
`;

/** Bundles the program and its worker into one executable file, which appears at once or not at all. */
async function build(): Promise<string> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const worker = await bundle({
    ...NODE,
    entryPoints: ['src/store/index-worker.ts'],
    format: 'cjs',
    legalComments: 'none',
  });
  const program = await bundle({
    ...NODE,
    entryPoints: ['cmd/main.ts'],
    format: 'esm',
    outfile: OUT,
    banner: { js: BANNER },
    legalComments: 'external',
    define: {
      // React's slow and talkative half is left out.
      'process.env.NODE_ENV': '"production"',
      'process.env.DEV': '"false"',
      REGCACHE_INDEX_WORKER: JSON.stringify(worker.outputFiles?.[0]?.text ?? ''),
      REGCACHE_VERSION: JSON.stringify(version),
    },
  });
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  for (const file of program.outputFiles ?? []) {
    const temporary = `${file.path}.${process.pid}.tmp`;
    try {
      await writeFile(temporary, file.contents);
      if (file.path === OUT) await chmod(temporary, 0o755);
      await rename(temporary, file.path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
  return OUT;
}

console.log(`built ${await build()}`);
