import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../user-error.ts';
import { errnoOf } from './errno.ts';
import type { Layout } from './layout.ts';

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'give the user that regcache runs as the right to write there',
  EPERM: 'give the user that regcache runs as the right to write there',
  EROFS: 'its file system is mounted read-only',
  ENOSPC: 'its file system is full',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a part of the path is a file',
};

/**
 * Makes a store's folders, its own one for nobody else, and tries whether they can be written.
 * @throws {UserError} STORE_UNWRITABLE
 */
export async function prepareFolders(layout: Layout, unique: string): Promise<void> {
  try {
    for (const folder of [layout.blobsFolder, layout.repositoriesFolder]) {
      await mkdir(folder, { recursive: true });
    }
    // The root is there by now, and stays as its owner's umask has made it.
    await mkdir(layout.ownFolder, { recursive: true, mode: 0o700 });
    await mkdir(layout.tempFolder, { recursive: true });
    const probe = layout.tempFile(unique);
    await writeFile(probe, '');
    await rm(probe, { force: true });
  } catch (error) {
    throw unwritable(layout.root, error);
  }
}

/** Removes what a dead process left unfinished; only the store's one owner may. */
export async function clearLeftovers(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.tempFolder)) {
    await rm(join(layout.tempFolder, name), { recursive: true, force: true });
  }
}

/** The store's root cannot be written. */
export function unwritable(root: string, error: unknown): UserError {
  const code = errnoOf(error);
  const reason = code ?? (error instanceof Error ? error.message : String(error));
  return new UserError('STORE_UNWRITABLE', `the store ${root} cannot be written: ${reason}`, {
    value: root,
    hint: HINTS[code ?? ''] ?? 'see storage.filesystem.rootdirectory',
    cause: error,
  });
}
