import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../user-error.ts';

/**
 * Writes a file that appears whole or not at all, on disk when this resolves.
 * @throws {UserError} FILE_UNWRITABLE
 */
export async function writeAtomically(path: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'no such folder' : code === 'EACCES' ? 'no permission' : String(error);
    throw new UserError('FILE_UNWRITABLE', `${path} cannot be written (${why})`, {
      value: path,
      hint: 'name a file in a folder that is there and that this user may write to',
      cause: error,
    });
  }
}
