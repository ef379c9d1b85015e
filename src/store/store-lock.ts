import { DatabaseSync } from 'node:sqlite';
import { UserError } from '../user-error.ts';

/** SQLite's code for a lock that somebody else has. */
const SQLITE_BUSY = 5;

/**
 * Makes sure that one daemon has a store: an open exclusive transaction on an empty database. The kernel lets go of it
 * when the process dies, however it dies; SQLite keeps apart two daemons in one process, which the kernel would not.
 * (Nothing else may open the lock's file: closing it would drop the lock of the whole process.)
 */
export class StoreLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** @throws {UserError} STORE_IN_USE; whatever else SQLite says */
  static take(file: string, root: string): StoreLock {
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    } catch (error) {
      database.close();
      if (!isBusy(error)) throw error;
      throw new UserError('STORE_IN_USE', `another daemon has the store ${root}`, {
        value: root,
        hint: 'stop it, or give this one another storage.filesystem.rootdirectory',
        cause: error,
      });
    }
    return new StoreLock(database);
  }

  release(): void {
    this.#database.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}
