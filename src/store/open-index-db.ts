import { existsSync, renameSync, rmSync } from 'node:fs';
import { IndexDb } from './index-db.ts';

/** SQLite's codes for an index that will never open again: SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED = new Set([11, 26]);

/**
 * Opens the index. One that is damaged or of another version is renamed to `….damaged` (the one before it goes) and an
 * empty one takes its place, which the caller fills from the tree.
 * @throws where the file cannot be opened for another reason, such as permissions or a full disk
 */
export function openIndexDb(file: string): IndexDb {
  try {
    return new IndexDb(file);
  } catch (error) {
    if (isSqliteError(error) && !DAMAGED.has(error.errcode & 0xff)) throw error;
    setAside(file);
    return new IndexDb(file);
  }
}

function setAside(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    const aside = `${file}.damaged${suffix}`;
    rmSync(aside, { force: true });
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, aside);
  }
}

function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}
