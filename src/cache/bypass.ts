import { createHash, type Hash } from 'node:crypto';
import type { Clock } from '../async/clock.ts';
import { Notifier } from '../async/notifier.ts';
import { type Digest, digestAlgorithm, formatDigest } from '../oci/digest.ts';
import type { BlobAnswer } from '../upstream/upstream.ts';
import type { ByteSource } from './byte-source.ts';
import { WrongDigestError } from './fill-error.ts';
import { receiveBlob } from './receive.ts';

/** Bytes that may wait for a slow client before the upstream is paused. */
const MAX_QUEUED_BYTES = 1024 * 1024;

export interface BypassDeps {
  readonly digest: Digest;
  readonly sizeBytes: number | undefined;
  readonly open: (offsetBytes: number, signal: AbortSignal) => Promise<BlobAnswer>;
  /** Reads what came before the first position that is asked for, so that the digest can be proven. */
  readonly prefix: ((into: Buffer, position: number) => Promise<number>) | undefined;
  readonly clock: Clock;
  readonly onWrongDigest: (got: Digest) => void;
}

/**
 * A blob streamed through for one client, because the store cannot take it. Reads must be in order; what they leave
 * out is dropped. The last byte waits for the digest where all bytes before it are known.
 */
export class BypassSource implements ByteSource {
  readonly #deps: BypassDeps;
  readonly #controller = new AbortController();
  readonly #changed = new Notifier();
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  /** The offset of the first byte that is queued or still to come; undefined before the first read. */
  #atBytes: number | undefined;
  #ended = false;
  #failure: unknown;
  #hash: Hash | undefined;
  #roomFor: (() => void) | undefined;

  constructor(deps: BypassDeps) {
    this.#deps = deps;
  }

  get sizeBytes(): number | undefined {
    return this.#deps.sizeBytes;
  }

  async read(into: Buffer, position: number, signal: AbortSignal): Promise<number> {
    if (this.#atBytes === undefined) {
      this.#atBytes = position;
      void this.#run(position);
    }
    if (position < this.#atBytes) throw new Error('what was streamed through cannot be read again');
    for (;;) {
      // All but the last piece may go; that one waits for the proof.
      if (this.#queue.length > (this.#ended ? 0 : 1)) {
        if (position === this.#atBytes) return this.#take((piece) => piece.copy(into));
        this.#take((piece) => Math.min(piece.length, position - (this.#atBytes ?? 0)));
        continue;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return 0;
      await this.#changed.wait(signal);
    }
  }

  async close(): Promise<void> {
    this.#controller.abort(new Error('the client left'));
    this.#roomFor?.();
    return Promise.resolve();
  }

  /** Takes bytes off the queue. @param use tells how many of a piece's */
  #take(use: (piece: Buffer) => number): number {
    const piece = this.#queue[0];
    if (piece === undefined) return 0;
    const length = use(piece);
    this.#atBytes = (this.#atBytes ?? 0) + length;
    if (length === piece.length) this.#queue.shift();
    else this.#queue[0] = piece.subarray(length);
    this.#queuedBytes -= length;
    if (this.#queuedBytes < MAX_QUEUED_BYTES) this.#roomFor?.();
    return length;
  }

  async #run(position: number): Promise<void> {
    const { digest, open, clock } = this.#deps;
    const { signal } = this.#controller;
    try {
      this.#hash = await this.#hashBefore(position);
      const first = await open(position, signal);
      if (first.kind === 'refused') throw new Error('the upstream refused what it had announced');
      await receiveBlob({
        first,
        sizeBytes: this.#deps.sizeBytes,
        offsetBytes: position,
        open: (offsetBytes) => open(offsetBytes, signal),
        sink: (chunk) => this.#push(chunk),
        onResume: () => undefined,
        clock,
        signal,
      });
      const got =
        this.#hash === undefined ? digest : formatDigest(digestAlgorithm(digest), this.#hash.digest('hex'));
      if (got !== digest) {
        this.#deps.onWrongDigest(got);
        throw new WrongDigestError(digest, got);
      }
      this.#ended = true;
    } catch (error) {
      this.#failure = error;
    }
    this.#changed.notify();
  }

  /** A hash of everything before `position`; undefined where that is not to be had. */
  async #hashBefore(position: number): Promise<Hash | undefined> {
    const hash = createHash(digestAlgorithm(this.#deps.digest));
    if (position === 0) return hash;
    if (this.#deps.prefix === undefined) return undefined;
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (let at = 0; at < position;) {
      const length = await this.#deps.prefix(buffer.subarray(0, Math.min(buffer.length, position - at)), at);
      if (length === 0) return undefined;
      hash.update(buffer.subarray(0, length));
      at += length;
    }
    return hash;
  }

  #push(chunk: Buffer): Promise<void> | undefined {
    this.#hash?.update(chunk);
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    this.#changed.notify();
    // A lone piece waits for the one after it, not for its reader.
    if (this.#queuedBytes < MAX_QUEUED_BYTES || this.#queue.length === 1) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#roomFor = resolve;
    return promise;
  }
}
