import type { Digest } from '../oci/digest.ts';
import type { BlobReader } from './blob-reader.ts';

/** A blob at rest, open for reading. While it is open, nothing removes it. Whoever is given one closes it. */
export class StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly #reader: BlobReader;
  readonly #onClose: () => void;

  constructor(blob: { digest: Digest; sizeBytes: number; reader: BlobReader; onClose: () => void }) {
    this.digest = blob.digest;
    this.sizeBytes = blob.sizeBytes;
    this.#reader = blob.reader;
    this.#onClose = blob.onClose;
  }

  /**
   * Reads at a position.
   * @returns the number of bytes read, which may be fewer than fit; 0 at the end
   */
  read(into: Buffer, position: number): Promise<number> {
    return this.#reader.read(into, position);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#onClose();
    await this.#reader.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
