import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGzip } from 'node:zlib';
import { runProgram } from './check-step.ts';
import { stageContainerFiles } from './container-files.ts';
import { readProgramArchitecture } from './program-architecture.ts';
import { releaseDate } from './release-date.ts';

const ROOT = join(import.meta.dirname, '..');

export interface ContainerImageOptions {
  /** The program to put into an image; the libraries that it is linked to are this machine's. */
  readonly program: string;
  readonly version: string;
  /** Where the image is put. */
  readonly out: string;
  readonly compress: boolean;
}

/**
 * Makes a container image, as a file that `podman load`, `docker load` and skopeo read. This machine's own images stay
 * as they are.
 * @returns its path
 */
export async function makeContainerImage(options: ContainerImageOptions): Promise<string> {
  const { program, version, out } = options;
  const architecture = await readProgramArchitecture(program);
  const tar = join(out, `regcache-${version}-${architecture}.image.tar`);
  const folder = `${tar}.files`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await stageContainerFiles(join(folder, 'context'), program);
    await build(folder, tar, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (!options.compress) return tar;
  await pipeline(createReadStream(tar), createGzip(), createWriteStream(`${tar}.gz`));
  await rm(tar);
  return `${tar}.gz`;
}

/** In a store of its own, that is gone with the folder. */
async function build(folder: string, tar: string, { version }: ContainerImageOptions): Promise<void> {
  const conf = join(folder, 'storage.conf');
  const storage = { driver: 'vfs', runroot: join(folder, 'run'), graphroot: join(folder, 'images') };
  const lines = Object.entries(storage).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  await writeFile(conf, `[storage]\n${lines.join('\n')}\n`);
  const date = await releaseDate();
  const labels = { VERSION: version, REVISION: await commit(), CREATED: date.toISOString() };
  const name = `regcache:${version}`;
  await buildah(conf, [
    'build',
    // The one with health checks; every engine reads it.
    '--format=docker',
    `--timestamp=${date.getTime() / 1000}`,
    ...Object.entries(labels).map(([label, value]) => `--build-arg=${label}=${value}`),
    `--file=${join(ROOT, 'deploy', 'container', 'Containerfile')}`,
    `--tag=${name}`,
    join(folder, 'context'),
  ]);
  await rm(tar, { force: true });
  await buildah(conf, ['push', name, `docker-archive:${tar}:${name}`]);
}

async function buildah(conf: string, args: readonly string[]): Promise<void> {
  const ran = await runProgram('buildah', args, { CONTAINERS_STORAGE_CONF: conf });
  if (ran.exitCode !== 0) throw new Error(`buildah ${args[0]} failed:\n${ran.output}`);
}

async function commit(): Promise<string> {
  const ran = await runProgram('git', ['-C', ROOT, 'rev-parse', 'HEAD']);
  return ran.exitCode === 0 ? ran.output.trim() : 'unknown';
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      program: { type: 'string', default: join(ROOT, 'dist', 'regcache-linux-x64') },
      version: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'dist') },
      'no-compression': { type: 'boolean', default: false },
    },
  });
  const { program, out } = values;
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const version = values.version ?? (manifest as { version: string }).version;
  const file = await makeContainerImage({ program, version, out, compress: !values['no-compression'] });
  console.log(`built ${file}`);
}
