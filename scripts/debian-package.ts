/**
 * Makes a Debian package of a program that was built before, in dist/: `npm run package:deb [-- --program FILE]`
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mustRun } from '../fixtures/run-program.ts';
import { ROOT } from './bundle.ts';
import { addChecksum } from './checksums.ts';
import { stageDebianFiles } from './debian-files.ts';
import { readManifest } from './manifest.ts';
import { readProgramArchitecture } from './program-architecture.ts';
import { sourceDateS } from './source-date.ts';

/** xz takes a minute for a program of 100 MB on one core, and compresses it to a quarter. */
const BUILD_MS = 15 * 60_000;

interface Options {
  readonly program: string;
  readonly version: string;
  readonly out: string;
  readonly compression: 'xz' | 'none';
}

async function readOptions(): Promise<Options> {
  const { values } = parseArgs({
    options: {
      program: { type: 'string', default: join(ROOT, 'dist', 'regcache-linux-x64') },
      version: { type: 'string' },
      out: { type: 'string', default: join(ROOT, 'dist') },
      'no-compression': { type: 'boolean', default: false },
    },
  });
  const { program, version = (await readManifest()).version, out } = values;
  return { program, version, out, compression: values['no-compression'] ? 'none' : 'xz' };
}

/** The same inputs make the same bytes. Its checksum stands among those of the release. @returns its path */
async function makePackage({ program, version, out, compression }: Options): Promise<string> {
  const architecture = await readProgramArchitecture(program);
  const file = join(out, `regcache_${version}_${architecture}.deb`);
  const folder = `${file}.files`;
  const modifiedS = await sourceDateS();
  await rm(folder, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  try {
    const modifiedAt = new Date(modifiedS * 1000);
    await stageDebianFiles({ folder, program, version, architecture, modifiedAt });
    const args = ['--root-owner-group', `-Z${compression}`, '--build', folder, file];
    const env = { SOURCE_DATE_EPOCH: String(modifiedS) };
    await mustRun('dpkg-deb', args, { env, timeoutMs: BUILD_MS });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await addChecksum(out, file);
  return file;
}

console.log(`built ${await makePackage(await readOptions())}`);
