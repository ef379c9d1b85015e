import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram } from './check-step.ts';
import { stageDebianFiles } from './debian-files.ts';
import { readProgramArchitecture } from './program-architecture.ts';
import { releaseDate } from './release-date.ts';

const ROOT = join(import.meta.dirname, '..');

export interface DebianPackageOptions {
  /** The program to package. */
  readonly program: string;
  readonly version: string;
  /** Where the package is put. */
  readonly out: string;
  /** `xz` as Debian does; `none` saves a minute where nobody carries the package anywhere. */
  readonly compression: 'xz' | 'none';
}

/**
 * Makes a Debian package of a program that was built before. The same inputs make the same bytes.
 * @returns its path
 */
export async function makeDebianPackage(options: DebianPackageOptions): Promise<string> {
  const { version, out, compression } = options;
  const architecture = await readProgramArchitecture(options.program);
  const file = join(out, `regcache_${version}_${architecture}.deb`);
  const folder = `${file}.files`;
  const modifiedAt = await releaseDate();
  await rm(folder, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  try {
    await stageDebianFiles({ ...options, folder, architecture, modifiedAt });
    const args = ['--root-owner-group', `-Z${compression}`, '--build', folder, file];
    const env = { SOURCE_DATE_EPOCH: String(modifiedAt.getTime() / 1000) };
    const built = await runProgram('dpkg-deb', args, env);
    if (built.exitCode !== 0) throw new Error(built.output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return file;
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
  const manifest: unknown = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const version = values.version ?? (manifest as { version: string }).version;
  const compression = values['no-compression'] ? 'none' : 'xz';
  const file = await makeDebianPackage({ program: values.program, version, out: values.out, compression });
  console.log(`built ${file}`);
}
