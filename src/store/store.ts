import { randomUUID } from 'node:crypto';
import type { Digest } from '../oci/digest.ts';
import type { MediaType } from '../oci/media-type.ts';
import type { Repository } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';
import { BlobReader } from './blob-reader.ts';
import { BlobWriter } from './blob-writer.ts';
import { digestOf } from './digest-of.ts';
import { DigestHolds } from './digest-holds.ts';
import { errnoOf } from './errno.ts';
import type { CheckedTag, ExpiryBasis, ProofKind } from './index-request.ts';
import { OpenFile } from './open-file.ts';
import { Proofs } from './proofs.ts';
import { REFUSED, type RemovalCondition, type RemovalResult, removeDigest } from './remove-digest.ts';
import { StoreFigures } from './store-figures.ts';
import { openStoreParts, type StoreDeps, type StoreParts } from './store-parts.ts';
import { StoreWriteError } from './store-write-error.ts';
import { StoredBlob } from './stored-blob.ts';
import { Tags } from './tags.ts';
import { writeFile } from './write-file.ts';

/**
 * Bytes at rest: blobs by digest, proofs of which repository contains which, tags, and when each was used. One
 * store object owns a root at a time. Times are milliseconds since the epoch.
 */
export class Store {
  /** 32 hexadecimal digits, made once and kept with the store. */
  readonly id: string;
  readonly figures: StoreFigures;
  readonly #parts: StoreParts;
  readonly #holds = new DigestHolds();
  readonly #proofs: Proofs;
  readonly #tags: Tags;
  /** By the digest that is being written; undefined while its file is being opened. */
  readonly #writers = new Map<Digest, BlobWriter | undefined>();
  #closed: Promise<void> | undefined;

  private constructor(parts: StoreParts) {
    this.id = parts.id;
    this.#parts = parts;
    this.figures = new StoreFigures(parts.index);
    this.#proofs = new Proofs(parts.layout);
    this.#tags = new Tags(parts.layout, parts.index);
  }

  /**
   * Opens a store, or makes one. After a crash, or for a tree that it has no index of, the index is rebuilt in the
   * background; {@link due}, {@link earliest} and {@link remove} wait for that.
   * @throws {UserError} STORE_UNWRITABLE; STORE_IN_USE: another daemon has it; STORE_UNREADABLE: it is a newer
   * version's, or damaged
   */
  static async open(deps: StoreDeps): Promise<Store> {
    return new Store(await openStoreParts(deps));
  }

  /** Opens a stored blob; until it is closed, the digest is not removed. Undefined where it is not stored. */
  async openBlob(digest: Digest): Promise<StoredBlob | undefined> {
    const release = await this.#holds.hold(digest);
    let file: OpenFile | undefined;
    try {
      file = await OpenFile.open(this.#parts.layout.blobFile(digest), 'r');
      const stats = await file.stat();
      if (stats.isFile()) {
        return new StoredBlob({
          digest,
          sizeBytes: stats.size,
          reader: new BlobReader(file),
          onClose: release,
        });
      }
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') {
        await this.#letGo(file, release);
        throw error;
      }
    }
    await this.#letGo(file, release);
    return undefined;
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    const blob = await this.openBlob(digest);
    await blob?.close();
    return blob !== undefined;
  }

  /**
   * Reads a small blob whole and checks it.
   * @returns undefined where it is not stored, is larger than `maxBytes`, or no longer has its digest: then
   * storing it again mends it
   */
  async readBlobWhole(digest: Digest, maxBytes: number): Promise<Buffer | undefined> {
    await using blob = await this.openBlob(digest);
    if (blob === undefined || blob.sizeBytes > maxBytes) return undefined;
    const bytes = Buffer.allocUnsafe(blob.sizeBytes);
    for (let position = 0; position < bytes.length;) {
      const length = await blob.read(bytes.subarray(position), position);
      if (length === 0) return undefined;
      position += length;
    }
    return digestOf(bytes, digest) === digest ? bytes : undefined;
  }

  /**
   * Begins to write a blob; the caller ends it by `commit` or `abort`.
   * @param options.onReadable told when more can be read or a write has failed
   * @throws {StoreWriteError} where the disk does not take it; Error where the digest is being written already
   */
  async createBlob(digest: Digest, options: { readonly onReadable?: () => void } = {}): Promise<BlobWriter> {
    const release = await this.#holds.hold(digest);
    if (this.#writers.has(digest)) {
      release();
      throw new Error(`${digest} is being written already`);
    }
    this.#writers.set(digest, undefined);
    const onEnd = (): void => {
      this.#writers.delete(digest);
      release();
    };
    const { layout } = this.#parts;
    try {
      const writer = await BlobWriter.create({
        digest,
        growingFile: layout.growingFile(digest),
        finalFile: layout.blobFile(digest),
        onReadable: options.onReadable ?? (() => undefined),
        hold: () => this.#holds.holdNow(digest),
        onStored: (sizeBytes) => this.#stored(digest, sizeBytes),
        onEnd,
      });
      this.#writers.set(digest, writer);
      return writer;
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  /**
   * Stores a manifest and the proof that its repository contains it.
   * @throws {StoreWriteError}; Error where the bytes do not have the digest
   */
  async putManifest(
    repository: Repository,
    digest: Digest,
    bytes: Buffer,
    mediaType: MediaType,
  ): Promise<void> {
    const actual = digestOf(bytes, digest);
    if (actual !== digest) throw new Error(`the manifest has the digest ${actual}, not ${digest}`);
    await this.#writing(digest, async () => {
      if ((await this.readBlobWhole(digest, bytes.length)) === undefined) {
        const { layout } = this.#parts;
        await writeFile(layout.tempFile(randomUUID()), layout.blobFile(digest), bytes, 'bytes');
        this.#stored(digest, bytes.length);
      }
      await this.#prove(repository, digest, 'manifest', { sizeBytes: bytes.length, mediaType });
    });
  }

  /** Whether a repository is proven to contain a digest; says nothing of whether it is stored. */
  async isProven(repository: Repository, digest: Digest, kind: ProofKind): Promise<boolean> {
    const release = await this.#holds.hold(digest);
    try {
      return await this.#proofs.has(repository, digest, kind);
    } finally {
      release();
    }
  }

  /**
   * Records that a repository contains a digest. A digest that is never stored expires as if it had been.
   * @throws {StoreWriteError}
   */
  async prove(
    repository: Repository,
    digest: Digest,
    kind: ProofKind,
    details: { readonly sizeBytes: number; readonly mediaType?: MediaType },
  ): Promise<void> {
    await this.#writing(digest, () => this.#prove(repository, digest, kind, details));
  }

  /** The type that the upstream gave a manifest; undefined where it is not kept. */
  async manifestType(repository: Repository, digest: Digest): Promise<MediaType | undefined> {
    return await this.#proofs.mediaType(repository, digest);
  }

  /** What a tag points to, and when the upstream last said so. */
  async readTag(repository: Repository, tag: Tag): Promise<CheckedTag | undefined> {
    return await this.#tags.read(repository, tag);
  }

  /**
   * Points a tag at a digest. A call that only renews the time of the check costs no disk access.
   * @returns whether it was written to the disk
   * @throws {StoreWriteError}
   */
  async writeTag(repository: Repository, tag: Tag, digest: Digest, checkedAtMs: number): Promise<boolean> {
    return await this.#writing(digest, () => this.#tags.write(repository, tag, { digest, checkedAtMs }));
  }

  /** Notes a use; it is written later, with others. */
  touch(digest: Digest, atMs: number): void {
    this.#holds.noteUse(digest, atMs);
    this.#parts.index.use(digest, atMs);
  }

  /** Digests whose last use (or fetch) is at the cutoff or before and that nobody holds, oldest first. */
  async due(query: {
    readonly by: ExpiryBasis;
    readonly cutoffMs: number;
    readonly limit: number;
  }): Promise<readonly Digest[]> {
    const { by, cutoffMs, limit } = query;
    const due = await this.#parts.index.due(by, cutoffMs, limit + this.#holds.size);
    return due.filter((digest) => !this.#holds.isHeld(digest)).slice(0, limit);
  }

  /** The oldest last use (or fetch) of all that is stored or proven. */
  async earliest(by: ExpiryBasis): Promise<number | undefined> {
    return await this.#parts.index.earliest(by);
  }

  /**
   * Removes a digest everywhere, unless somebody holds it or it was used (or fetched) after the cutoff; asked and done
   * without a gap in which it could be used. A reader that opened it as a growing file keeps reading.
   * @throws {StoreWriteError}
   */
  async remove(digest: Digest, condition: RemovalCondition): Promise<RemovalResult> {
    const exclusion = this.#holds.exclude(digest);
    if (exclusion === undefined) return REFUSED;
    const { layout, index } = this.#parts;
    try {
      return await removeDigest(digest, condition, exclusion, {
        layout,
        index,
        proofs: this.#proofs,
        tags: this.#tags,
      });
    } catch (error) {
      throw StoreWriteError.from(error);
    } finally {
      exclusion.end();
    }
  }

  /** Aborts what is being written, writes what waits, and lets another daemon have the store. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(Array.from(this.#writers.values(), async (writer) => await writer?.abort()));
    await this.#parts.index.close();
    this.#parts.lock.release();
  }

  async #prove(
    repository: Repository,
    digest: Digest,
    proof: ProofKind,
    details: { readonly sizeBytes: number; readonly mediaType?: MediaType },
  ): Promise<void> {
    const { sizeBytes, mediaType } = details;
    await this.#proofs.add(repository, digest, proof, mediaType);
    const atMs = this.#parts.clock.now();
    this.#parts.index.record({ kind: 'proven', digest, repository, proof, sizeBytes, atMs });
  }

  #stored(digest: Digest, sizeBytes: number): void {
    this.#parts.index.record({ kind: 'stored', digest, sizeBytes, atMs: this.#parts.clock.now() });
  }

  /** Runs a task while the digest cannot be removed; its failures are the disk's. */
  async #writing<T>(digest: Digest, task: () => Promise<T>): Promise<T> {
    const release = await this.#holds.hold(digest);
    try {
      return await task();
    } catch (error) {
      throw StoreWriteError.from(error);
    } finally {
      release();
    }
  }

  async #letGo(file: OpenFile | undefined, release: () => void): Promise<void> {
    await file?.release();
    release();
  }
}
