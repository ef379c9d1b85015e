import type { OpenFile } from './open-file.ts';
import { StoreWriteError } from './store-write-error.ts';

/** The most that one `writev` gets, in bytes and in pieces. */
const MAX_WRITE_BYTES = 1024 * 1024;
const MAX_WRITE_PIECES = 1024;
/** Unwritten bytes above which a writer is asked to pause, and below which it may go on. */
const PAUSE_BYTES = 4 * 1024 * 1024;
const RESUME_BYTES = 2 * 1024 * 1024;

interface Flush {
  readonly untilBytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes pieces to a file, one after the other from an offset on, one `writev` at a time: a piece is written at the next turn of the event loop, and what comes
 * while a write is in flight is gathered for the next one. So a slow source has no delay and a fast one big writes.
 */
export class AppendFile {
  readonly #file: Pick<OpenFile, 'writev'>;
  readonly #onChange: () => void;
  #pieces: Buffer[] = [];
  #givenBytes: number;
  #writtenBytes: number;
  #busy = false;
  #idle = Promise.resolve();
  #flushes: Flush[] = [];
  #room: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;

  /**
   * @param onChange told when more is written, or a write has failed
   * @param startBytes the offset in the file of the first byte that will be given
   */
  constructor(file: Pick<OpenFile, 'writev'>, onChange: () => void, startBytes = 0) {
    this.#file = file;
    this.#onChange = onChange;
    this.#givenBytes = startBytes;
    this.#writtenBytes = startBytes;
  }

  /** The offset in the file after the last byte that is written. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** The offset after everything that was given, written or not. */
  get givenBytes(): number {
    return this.#givenBytes;
  }

  /** Why nothing is written any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Takes a piece, which is this file's from now on.
   * @returns a promise only where the caller should pause; it rejects when writing has failed
   */
  append(piece: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (piece.length === 0) return undefined;
    this.#pieces.push(piece);
    this.#givenBytes += piece.length;
    if (!this.#busy) this.#start();
    if (this.#givenBytes - this.#writtenBytes <= PAUSE_BYTES) return undefined;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Waits until everything given so far is written. */
  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const untilBytes = this.#givenBytes;
    if (this.#writtenBytes === untilBytes) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#flushes.push({ untilBytes, resolve, reject });
    await promise;
  }

  /** Drops what is unwritten, fails whoever waits for it, and waits for the write in flight. */
  async stop(reason: Error): Promise<void> {
    this.#fail(reason);
    await this.#idle;
  }

  #start(): void {
    this.#busy = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle = promise;
    setImmediate(() => {
      void this.#drain().finally(resolve);
    });
  }

  async #drain(): Promise<void> {
    try {
      while (this.#pieces.length > 0) {
        const batch = this.#nextBatch();
        const length = await this.#file.writev(batch.pieces, this.#writtenBytes);
        if (length === 0) throw new StoreWriteError('EIO');
        this.#wrote(batch, length);
      }
    } catch (error) {
      this.#fail(StoreWriteError.from(error));
    } finally {
      this.#busy = false;
    }
  }

  #nextBatch(): { pieces: Buffer[]; sizeBytes: number } {
    let count = 0;
    let sizeBytes = 0;
    for (const piece of this.#pieces) {
      if (count > 0 && (sizeBytes + piece.length > MAX_WRITE_BYTES || count === MAX_WRITE_PIECES)) break;
      count += 1;
      sizeBytes += piece.length;
    }
    return { pieces: this.#pieces.splice(0, count), sizeBytes };
  }

  #wrote(batch: { pieces: Buffer[]; sizeBytes: number }, length: number): void {
    this.#writtenBytes += length;
    if (this.#failure !== undefined) return;
    // A disk that is nearly full takes a part; the next try tells why.
    if (length < batch.sizeBytes) this.#pieces.unshift(Buffer.concat(batch.pieces).subarray(length));
    if (this.#givenBytes - this.#writtenBytes <= RESUME_BYTES) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    this.#flushes = this.#flushes.filter((flush) => {
      if (flush.untilBytes > this.#writtenBytes) return true;
      flush.resolve();
      return false;
    });
    this.#onChange();
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#pieces = [];
    // It may be that nobody waits for room any more.
    this.#room?.promise.catch(() => undefined);
    this.#room?.reject(reason);
    for (const flush of this.#flushes) flush.reject(reason);
    this.#flushes = [];
    this.#onChange();
  }
}
