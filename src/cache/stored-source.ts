import type { StoredBlob } from '../store/stored-blob.ts';
import type { ByteSource } from './byte-source.ts';

/** A stored blob as a source of bytes. Its digest counts as used until it is closed. */
export class StoredSource implements ByteSource {
  readonly #blob: StoredBlob;
  readonly #onClose: () => void;

  constructor(blob: StoredBlob, onClose: () => void) {
    this.#blob = blob;
    this.#onClose = onClose;
  }

  get sizeBytes(): number {
    return this.#blob.sizeBytes;
  }

  async read(into: Buffer, position: number, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    return await this.#blob.read(into, position);
  }

  async close(): Promise<void> {
    this.#onClose();
    await this.#blob.close();
  }
}
