/**
 * Makes a container image of a program that was built before, in dist/, as a file that `podman load`, `docker load` and
 * skopeo read: `npm run container [-- --program FILE]`. Debian's buildah makes it; this machine's own images stay as they are.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mustRun } from '../fixtures/run-program.ts';
import { ROOT } from './bundle.ts';
import { addChecksum } from './checksums.ts';
import { stageContainerFiles } from './container-files.ts';
import { describeCommit } from './describe-commit.ts';
import { readManifest } from './manifest.ts';
import { readProgramArchitecture } from './program-architecture.ts';
import { sourceDateS } from './source-date.ts';

interface Options {
  /** The libraries that it is linked to are this machine's. */
  readonly program: string;
  readonly version: string;
  readonly out: string;
}

async function readOptions(): Promise<Options> {
  const { values } = parseArgs({
    options: {
      program: { type: 'string', default: join(ROOT, 'dist', 'regcache-linux-x64') },
      version: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'dist') },
    },
  });
  const { program, version = (await readManifest()).version, out } = values;
  return { program, version, out };
}

/** Its checksum stands among those of the release. @returns its path */
async function makeImage({ program, version, out }: Options): Promise<string> {
  const architecture = await readProgramArchitecture(program);
  const tar = join(out, `regcache-${version}-${architecture}.image.tar`);
  const folder = `${tar}.files`;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await stageContainerFiles(join(folder, 'context'), program);
    await build(folder, tar, version);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await addChecksum(out, tar);
  return tar;
}

/** In a store of its own, that is gone with the folder. */
async function build(folder: string, tar: string, version: string): Promise<void> {
  const conf = join(folder, 'storage.conf');
  const storage = { driver: 'vfs', runroot: join(folder, 'run'), graphroot: join(folder, 'images') };
  const lines = Object.entries(storage).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  await writeFile(conf, `[storage]\n${lines.join('\n')}\n`);
  const dateS = await sourceDateS();
  const labels = {
    VERSION: version,
    REVISION: await describeCommit(ROOT),
    CREATED: new Date(dateS * 1000).toISOString(),
  };
  const name = `regcache:${version}`;
  const env = { CONTAINERS_STORAGE_CONF: conf };
  const args = [
    // The one with health checks; every engine reads it.
    '--format=docker',
    `--timestamp=${dateS}`,
    ...Object.entries(labels).map(([label, value]) => `--build-arg=${label}=${value}`),
    `--file=${join(ROOT, 'deploy', 'container', 'Containerfile')}`,
    `--tag=${name}`,
    join(folder, 'context'),
  ];
  await mustRun('buildah', ['build', ...args], { env });
  await rm(tar, { force: true });
  await mustRun('buildah', ['push', name, `docker-archive:${tar}:${name}`], { env });
}

console.log(`built ${await makeImage(await readOptions())}`);
