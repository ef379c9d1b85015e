import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pkg from '@yao-pkg/pkg/lib-es5/sea.js';
import { cacheName, binaryMain, type TextName } from './package-texts.ts';
import type { NodePackage, Target } from './package-target.ts';

const MAIN = 'regcache-main.cjs';
const PKG_PLATFORMS = { linux: 'linux', win32: 'win', darwin: 'macos' } as const;

export interface BinaryParts {
  readonly target: Target;
  /** The Node that the program is put into. */
  readonly nodeFile: string;
  /** Node of the same version that runs here. */
  readonly makerFile: string;
  readonly texts: Readonly<Record<TextName, string>>;
  /** Files with the texts' code caches, where there are some. */
  readonly caches: Readonly<Record<TextName, string>> | undefined;
  /** Whether a program that signs for macOS is installed. */
  readonly sign: boolean;
  /** For what is needed in between. */
  readonly folder: string;
}

/** Puts the program into a Node. @throws where the packager could not */
export async function makeBinary(parts: BinaryParts, out: string): Promise<void> {
  const { target, texts, caches, folder } = parts;
  const home = join(folder, 'home');
  await rm(home, { recursive: true, force: true });
  await offerNode(home, target.node, parts.nodeFile);
  const maker = { ...target.node, os: hostOs(), cpu: hostCpu() };
  if (maker.os !== target.node.os || maker.cpu !== target.node.cpu) {
    await offerNode(home, maker, parts.makerFile);
  }
  const main = join(folder, MAIN);
  await writeFile(main, binaryMain(caches !== undefined));
  const assets: Record<string, string> = {};
  for (const name of ['regcache-start.js', 'regcache.js'] as const) {
    assets[name] = join(folder, name);
    await writeFile(assets[name], texts[name]);
    if (caches !== undefined) assets[cacheName(name)] = caches[name];
  }
  const config = {
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: false,
    // NODE_OPTIONS of the machine's own Node may name what this one refuses to start with.
    execArgvExtension: 'none',
    // As the packager's own folder sees it, which lies in this one: an absolute path would be in the binary.
    main: `../${MAIN}`,
    assets,
  };
  await withEnvironment({ HOME: home, TMPDIR: folder }, async () =>
    pkg.default(main, {
      seaConfig: config,
      signature: parts.sign,
      targets: [
        {
          nodeRange: `node${target.node.version}`,
          platform: PKG_PLATFORMS[target.node.os],
          arch: target.node.cpu,
          output: out,
        },
      ],
    }),
  );
}

/** Lays a Node where the packager looks for one that it has loaded before. */
async function offerNode(home: string, { version, os, cpu }: NodePackage, file: string): Promise<void> {
  const cache = join(home, '.pkg-cache', 'sea');
  const name = `node-v${version}-${os === 'win32' ? 'win' : os}-${cpu}`;
  const node = os === 'win32' ? join(cache, `${name}.exe`) : join(cache, name, 'bin', 'node');
  await mkdir(dirname(node), { recursive: true });
  const archive = join(cache, os === 'win32' ? `${name}.zip` : `${name}.tar.gz`);
  for (const there of [archive, `${archive}.ok`, `${node}.ok`]) await writeFile(there, '');
  if (os === hostOs()) await symlink(file, node);
  else await copyFile(file, node);
}

function hostOs(): NodePackage['os'] {
  const { platform } = process;
  if (platform === 'linux' || platform === 'darwin' || platform === 'win32') return platform;
  throw new Error(`binaries are not made on ${platform}`);
}

function hostCpu(): NodePackage['cpu'] {
  const { arch } = process;
  if (arch === 'x64' || arch === 'arm64') return arch;
  throw new Error(`binaries are not made on ${arch}`);
}

/** The packager takes its folders from the environment, and says what it does on the standard output. */
async function withEnvironment(
  variables: Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  const before = { ...process.env };
  const { log } = console;
  Object.assign(process.env, variables);
  console.log = () => undefined;
  try {
    await work();
  } finally {
    console.log = log;
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}
