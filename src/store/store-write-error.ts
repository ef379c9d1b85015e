import { errnoOf } from './errno.ts';

/** The store could not take bytes: the disk is full, read-only or broken. What was stored before is untouched. */
export class StoreWriteError extends Error {
  override readonly name = 'StoreWriteError';
  /** The errno word (`ENOSPC`, `EROFS`, `EIO`), or `UNKNOWN`. */
  readonly code: string;

  constructor(code: string, cause?: unknown) {
    super(`the store cannot be written: ${code}`, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** Wraps whatever a write threw; one that is wrapped already stays as it is. */
  static from(error: unknown): StoreWriteError {
    return error instanceof StoreWriteError ? error : new StoreWriteError(errnoOf(error) ?? 'UNKNOWN', error);
  }
}
