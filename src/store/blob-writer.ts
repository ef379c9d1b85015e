import { unlink } from 'node:fs/promises';
import { type Digest, digestAlgorithm, formatDigest } from '../oci/digest.ts';
import { BlobReader } from './blob-reader.ts';
import { errnoOf } from './errno.ts';
import { FrontierHash } from './frontier-hash.ts';
import { OpenFile } from './open-file.ts';
import { placeFile } from './place-file.ts';
import { StoreWriteError } from './store-write-error.ts';
import { type Stretch, Stretches } from './stretches.ts';

/** How a blob's writing ended. */
export type Committed =
  | { readonly kind: 'stored'; readonly sizeBytes: number }
  | { readonly kind: 'wrong-digest'; readonly actual: Digest };

export interface BlobWriterDeps {
  readonly digest: Digest;
  readonly growingFile: string;
  readonly finalFile: string;
  /** Told when more can be read or a write has failed. */
  readonly onReadable: () => void;
  /** Keeps the digest from being removed; returns what lets go of it. */
  readonly hold: () => () => void;
  /** The blob has its final name. */
  readonly onStored: (sizeBytes: number) => void;
  /** Nothing of this writer is left but its readers. */
  readonly onEnd: () => void;
}

/** Writes one part of a blob, in order. */
export interface PartWriter {
  /**
   * Takes a piece of the blob, which belongs to the writer from now on.
   * @returns a promise only where the caller should pause; it rejects, like that of every later call, with the
   * {@link StoreWriteError} of a failed write, or after {@link BlobWriter.abort}
   */
  write(piece: Buffer): Promise<void> | undefined;
}

/**
 * A blob on its way into the store: written to a temporary file, from its start or in several parts at a time, hashed
 * meanwhile, renamed once it is whole, on the disk and proven to have its digest. Its owner calls {@link commit} or
 * {@link abort}.
 */
export class BlobWriter implements PartWriter {
  readonly digest: Digest;
  readonly #deps: BlobWriterDeps;
  readonly #file: OpenFile;
  readonly #stretches: Stretches;
  readonly #first: Stretch;
  readonly #hash: FrontierHash;
  #committing: Promise<Committed> | undefined;
  #aborting: Promise<void> | undefined;
  #ended = false;

  private constructor(deps: BlobWriterDeps, file: OpenFile) {
    this.digest = deps.digest;
    this.#deps = deps;
    this.#file = file;
    this.#stretches = new Stretches(file, () => {
      this.#hash.advance();
      deps.onReadable();
    });
    this.#hash = new FrontierHash({
      algorithm: digestAlgorithm(deps.digest),
      file,
      writtenFrom: (startBytes) => this.#stretches.writtenFrom(startBytes),
    });
    this.#first = this.#stretches.open(0);
  }

  /** @throws {StoreWriteError} where the temporary file cannot be made */
  static async create(deps: BlobWriterDeps): Promise<BlobWriter> {
    try {
      await unlinkIfThere(deps.growingFile);
      return new BlobWriter(deps, await OpenFile.open(deps.growingFile, 'wx+'));
    } catch (error) {
      throw StoreWriteError.from(error);
    }
  }

  /** How far a reader may read from the start: written, not yet proven. */
  get readableBytes(): number {
    return this.#stretches.writtenFrom(0);
  }

  /** How far a reader may read from a position: the position itself where nothing is written there. */
  readableFrom(position: number): number {
    return this.#stretches.writtenFrom(position);
  }

  /** Why nothing more is written; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#stretches.failure;
  }

  write(piece: Buffer): Promise<void> | undefined {
    return this.#write(this.#first, piece);
  }

  /** Begins to write another part of the blob, from an offset on; parts must not overlap. */
  openPart(startBytes: number): PartWriter {
    const stretch = this.#stretches.open(startBytes);
    return { write: (piece) => this.#write(stretch, piece) };
  }

  /**
   * Waits until everything given so far can be read.
   * @throws {StoreWriteError}
   */
  async flush(): Promise<void> {
    await this.#stretches.flush();
  }

  /** A reader of the growing file; once open, it goes on after a commit and, as far as was written, after an abort. */
  openReader(): BlobReader {
    if (!this.#ended) {
      this.#file.retain();
      return new BlobReader(this.#file, this.#deps.hold());
    }
    return new BlobReader(() => OpenFile.open(this.#deps.finalFile, 'r'), this.#deps.hold());
  }

  /**
   * Proves the digest and gives the file its final name, durably. A wrong digest leaves nothing behind.
   * @param onProven told as soon as the digest is known to be right: readers need not wait for the disk
   * @throws {StoreWriteError} after which only {@link abort} is left to do
   */
  commit(onProven: () => void = () => undefined): Promise<Committed> {
    if (this.#committing !== undefined || this.#aborting !== undefined) {
      return Promise.reject(new Error('the blob is committed or aborted already'));
    }
    this.#committing = this.#commit(onProven);
    return this.#committing;
  }

  /** Removes what was written, unless it is committed; readers that are open keep reading. Idempotent. */
  abort(): Promise<void> {
    this.#aborting ??= this.#abort();
    return this.#aborting;
  }

  #write({ file }: Stretch, piece: Buffer): Promise<void> | undefined {
    if (this.#committing !== undefined) return Promise.reject(new Error('the blob is being committed'));
    if (file.failure === undefined) this.#hash.take(piece, file.givenBytes);
    return file.append(piece);
  }

  async #commit(onProven: () => void): Promise<Committed> {
    await this.#stretches.flush();
    const sizeBytes = this.readableBytes;
    const actual = formatDigest(digestAlgorithm(this.digest), await this.#hashOf(sizeBytes));
    if (actual !== this.digest) {
      await this.#discard();
      return { kind: 'wrong-digest', actual };
    }
    onProven();
    try {
      await this.#file.sync();
      await placeFile(this.#deps.growingFile, this.#deps.finalFile, () => this.#deps.onStored(sizeBytes));
    } catch (error) {
      throw StoreWriteError.from(error);
    }
    await this.#end();
    return { kind: 'stored', sizeBytes };
  }

  async #hashOf(sizeBytes: number): Promise<string> {
    try {
      return await this.#hash.digest(sizeBytes);
    } catch (error) {
      throw StoreWriteError.from(error);
    }
  }

  async #abort(): Promise<void> {
    await this.#committing?.catch(() => undefined);
    await this.#discard();
  }

  async #discard(): Promise<void> {
    if (this.#ended) return;
    await this.#stretches.stop(new Error('the blob was aborted'));
    try {
      await unlinkIfThere(this.#deps.growingFile);
    } finally {
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#ended = true;
    this.#deps.onEnd();
    await this.#file.release();
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
