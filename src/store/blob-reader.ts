import { OpenFile } from './open-file.ts';

/** One reader of a file that others may be reading, renaming or removing: it goes on all the same. */
export class BlobReader {
  #file: OpenFile | (() => Promise<OpenFile>) | Promise<OpenFile>;
  #closed = false;
  readonly #onClose: () => void;

  /**
   * @param onClose told once, when this reader lets go
   * @param file one that counts this reader among its users, or what opens such a file at the first read
   */
  constructor(file: OpenFile | (() => Promise<OpenFile>), onClose: () => void = () => undefined) {
    this.#file = file;
    this.#onClose = onClose;
  }

  /**
   * Reads at a position.
   * @returns the number of bytes read, which may be fewer than fit; 0 at the end of what is written
   * @throws after {@link close}, and where the file cannot be read
   */
  async read(into: Buffer, position: number): Promise<number> {
    if (this.#closed) throw new Error('the reader is closed');
    if (typeof this.#file === 'function') this.#file = this.#file();
    const file = this.#file instanceof OpenFile ? this.#file : await this.#file;
    return await file.read(into, position);
  }

  /** Lets go of the file; a read in flight still ends well. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    if (typeof this.#file === 'function') return;
    // A file that could not be opened has failed its reader already.
    const file = await Promise.resolve(this.#file).catch(() => undefined);
    await file?.release();
  }
}
