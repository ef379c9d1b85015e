import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mustRun } from '../fixtures/run-program.ts';
import { findProgram } from './find-program.ts';

/** A file in an archive: where it is now, and what it is called there. */
export interface ArchivedFile {
  readonly path: string;
  readonly name: string;
}

/**
 * Packs files below one folder as `FOLDER.tar.xz`, a quarter of their size; the same files give the same bytes.
 * @returns its path, or undefined where GNU tar or xz is not installed
 */
export async function archive(
  name: string,
  files: readonly ArchivedFile[],
  options: { readonly into: string; readonly work: string; readonly dateS: number },
): Promise<string | undefined> {
  if (findProgram('tar') === undefined || findProgram('xz') === undefined) return undefined;
  const stage = join(options.work, name);
  await rm(stage, { recursive: true, force: true });
  await mkdir(stage, { recursive: true });
  for (const file of files) await copyFile(file.path, join(stage, file.name));
  const out = join(options.into, `${basename(name)}.tar.xz`);
  const alike = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${options.dateS}`];
  // Two threads, whatever the machine has: xz cuts its blocks by that.
  await mustRun('tar', [...alike, '--mode=u+rw,go=rX', '-C', options.work, '-cJf', out, name], {
    env: { XZ_OPT: '-6 -T2' },
    timeoutMs: 600_000,
  });
  await rm(stage, { recursive: true });
  return out;
}
