import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm } from '../oci/digest.ts';
import type { OpenFile } from './open-file.ts';

const READ_BACK_BYTES = 1024 * 1024;

export interface FrontierHashDeps {
  readonly algorithm: DigestAlgorithm;
  readonly file: Pick<OpenFile, 'read'>;
  /** The offset up to which the file can be read from an offset on. */
  readonly writtenFrom: (startBytes: number) => number;
}

/**
 * Hashes a growing file in order. What comes in order is hashed as it comes; what came before its turn is read back, from
 * the page cache most likely, once everything before it is there.
 */
export class FrontierHash {
  readonly #deps: FrontierHashDeps;
  readonly #hash: Hash;
  #hashedBytes = 0;
  #reading: Promise<void> | undefined;
  #failure: unknown;

  constructor(deps: FrontierHashDeps) {
    this.#deps = deps;
    this.#hash = createHash(deps.algorithm);
  }

  /** Takes a piece that is about to be written at an offset; one that is not its turn is read back later. */
  take(piece: Buffer, offsetBytes: number): void {
    if (this.#reading !== undefined || offsetBytes !== this.#hashedBytes) return;
    this.#hash.update(piece);
    this.#hashedBytes += piece.length;
  }

  /** To be told that more is written: goes on where bytes are waiting. */
  advance(): void {
    if (this.#reading !== undefined || this.#failure !== undefined || this.#waitingBytes() <= 0) return;
    this.#reading = this.#readBack()
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#reading = undefined;
        this.advance();
      });
  }

  /**
   * The hash of the first `sizeBytes`, all of which are written.
   * @throws where they cannot be read back
   */
  async digest(sizeBytes: number): Promise<string> {
    while (this.#hashedBytes < sizeBytes && this.#failure === undefined) {
      this.advance();
      if (this.#reading === undefined) throw new Error('the file has a gap');
      await this.#reading;
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#hash.digest('hex');
  }

  #waitingBytes(): number {
    return this.#deps.writtenFrom(this.#hashedBytes) - this.#hashedBytes;
  }

  async #readBack(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BACK_BYTES);
    for (let waiting = this.#waitingBytes(); waiting > 0; waiting = this.#waitingBytes()) {
      const piece = buffer.subarray(0, Math.min(waiting, buffer.length));
      const length = await this.#deps.file.read(piece, this.#hashedBytes);
      if (length === 0) throw new Error('the file is shorter than what was written');
      this.#hash.update(piece.subarray(0, length));
      this.#hashedBytes += length;
    }
  }
}
