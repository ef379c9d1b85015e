import { StoreWriteError } from '../store/store-write-error.ts';
import type { ByteSource } from './byte-source.ts';
import type { Fill } from './fill.ts';

/** What a follower reads of the growing file; kept open though the file is renamed or removed. */
interface GrowingFile {
  read(into: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** A reader of a fill that is still running: as far as announced, then it waits. */
export class Follower implements ByteSource {
  readonly #fill: Fill;
  readonly #file: GrowingFile;
  readonly #openBypass: (prefix: Follower) => ByteSource;
  readonly #onClose: () => void;
  #bypass: ByteSource | undefined;

  constructor(
    fill: Fill,
    file: GrowingFile,
    openBypass: (prefix: Follower) => ByteSource,
    onClose: () => void,
  ) {
    this.#fill = fill;
    this.#file = file;
    this.#openBypass = openBypass;
    this.#onClose = onClose;
  }

  get sizeBytes(): number | undefined {
    return this.#fill.sizeBytes;
  }

  async read(into: Buffer, position: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#bypass !== undefined) return await this.#bypass.read(into, position, signal);
      const ready = this.#fill.announcedFrom(position) - position;
      if (ready > 0) return await this.readFile(into.subarray(0, Math.min(into.length, ready)), position);
      // Whatever becomes of the file: all its bytes have come, and they are right.
      if (this.#fill.isProven) return 0;
      const { state } = this.#fill;
      if (state.kind === 'failed') this.#failOver(state.error);
      else await this.#fill.changed(position, signal);
    }
  }

  /** Reads the file itself, whatever is announced: for proving what has been sent. */
  async readFile(into: Buffer, position: number): Promise<number> {
    return await this.#file.read(into, position);
  }

  /** Idempotent, as all that it closes is. */
  async close(): Promise<void> {
    this.#onClose();
    await this.#bypass?.close();
    await this.#file.close();
  }

  /** A store that takes no more bytes is no reason to fail a client: the rest comes straight from the upstream. */
  #failOver(error: unknown): void {
    if (!(error instanceof StoreWriteError)) throw error;
    this.#bypass = this.#openBypass(this);
  }
}
