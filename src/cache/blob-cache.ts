import type { Clock } from '../async/clock.ts';
import { orAbort } from '../async/shared-task.ts';
import type { Digest } from '../oci/digest.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import type { Store } from '../store/store.ts';
import type { StoredBlob } from '../store/stored-blob.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { BlobHead, Upstream } from '../upstream/upstream.ts';
import { BadContent } from './bad-content.ts';
import type { ByteSource } from './byte-source.ts';
import { WrongDigestError } from './fill-error.ts';
import type { FillProgress } from './fill-progress.ts';
import type { Fill, FillRequest } from './fill.ts';
import { Fills } from './fills.ts';
import { failure, refusal, sentWrongBytes } from './not-pulled.ts';
import { type BypassPrefix, openBypass } from './open-bypass.ts';
import { Prefetcher, type PrefetchLimits } from './prefetch.ts';
import type { NotPulled, Passage, Pull } from './pull.ts';
import { RangeSupport } from './range-support.ts';
import type { RangeSettings } from './ranged-receive.ts';
import type { RemovedDigests } from './removed-digests.ts';
import { SharedQuestion } from './shared-question.ts';
import { StoredSource } from './stored-source.ts';
import { tellStoreWrite } from './tell-store-write.ts';

export interface BlobPull extends Pull {
  readonly digest: Digest;
}

export interface PulledBlob {
  readonly kind: 'blob';
  /** Undefined while the upstream has not told. */
  readonly sizeBytes: number | undefined;
  /** The bytes; the caller closes it. */
  readonly source: ByteSource;
  /** To be looked at again once the bytes have gone out: it may have become a `bypass`. */
  readonly passage: Passage;
}

export type BlobResult = PulledBlob | NotPulled;

export interface BlobHeadResult {
  readonly kind: 'head';
  readonly sizeBytes: number | undefined;
  readonly passage: Passage;
}

export interface BlobCacheDeps {
  readonly store: Store;
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly removed: RemovedDigests;
  readonly fillAfterAbort: boolean;
  readonly ranges: RangeSettings;
  /** What fetching ahead may take; undefined: nothing is fetched ahead, nor without `fillAfterAbort`. */
  readonly prefetch: PrefetchLimits | undefined;
}

/** A fill that runs; `ahead`: no client has asked for it yet. */
export type RunningFill = FillProgress & { readonly ahead: boolean };

type Proof = { readonly kind: 'proven'; readonly passage: Passage | undefined } | NotPulled;

/** Decides where a blob's bytes come from; the tables are in `README.md` beside this file. */
export class BlobCache {
  readonly #deps: BlobCacheDeps;
  readonly #fills: Fills;
  readonly #badContent: BadContent;
  readonly #rangeSupport: RangeSupport;
  readonly #heads = new SharedQuestion<BlobHead>();
  readonly #prefetcher: Prefetcher | undefined;

  constructor(deps: BlobCacheDeps) {
    this.#deps = deps;
    this.#fills = new Fills(deps.store);
    this.#badContent = new BadContent(deps.clock);
    this.#rangeSupport = new RangeSupport(deps.clock);
    const { prefetch, fillAfterAbort } = deps;
    if (prefetch === undefined || !fillAfterAbort) return;
    const startFill = (request: FillRequest): Fill => this.#startFill(request);
    this.#prefetcher = new Prefetcher({ ...deps, ...prefetch, fills: this.#fills, startFill });
  }

  /** Notes that a client was given this manifest: the first layer that is asked for starts its other blobs. */
  noteManifest(repository: Repository, digest: Digest, bytes: Buffer): void {
    this.#prefetcher?.remember(repository, digest, bytes);
  }

  /** Answers a GET, from wherever the bytes are. */
  async get(pull: BlobPull): Promise<BlobResult> {
    for (;;) {
      const place = await this.#fills.locate(pull.digest);
      this.#prefetcher?.noteGet(pull);
      if (place.kind === 'stored') return await this.#serve(pull, place.blob);
      if (place.kind === 'absent') return await this.#start(pull);
      const joined = await this.#join(pull, place.fill);
      if (joined !== undefined) return joined;
      await orAbort(place.fill.ended, pull.signal);
    }
  }

  /** Answers a HEAD; never starts a download. */
  async head(pull: BlobPull): Promise<BlobHeadResult | NotPulled> {
    const place = await this.#fills.locate(pull.digest);
    if (place.kind === 'stored') {
      const source = new StoredSource(place.blob, () => undefined);
      const { sizeBytes } = source;
      const proof = await this.#proveOr(pull, source);
      if (proof.kind === 'not-pulled') return proof;
      await source.close();
      return { kind: 'head', sizeBytes, passage: proof.passage ?? HIT };
    }
    if (place.kind === 'filling' && sameRepository(place.fill.repository, pull.repository)) {
      const followed = await this.#follow(pull, place.fill, 'joined');
      if (followed.kind === 'not-pulled') return followed;
      await followed.source.close();
      return { kind: 'head', sizeBytes: followed.sizeBytes, passage: followed.passage };
    }
    const startedMs = this.#deps.clock.monotonic();
    try {
      const head = await this.#ask(pull);
      const upstreamMs = this.#deps.clock.monotonic() - startedMs;
      if (head.kind === 'refused') return refusal(head, 'BLOB_UNKNOWN', upstreamMs);
      const passage: Passage = { outcome: 'miss', missReason: 'head', trail: head.trail, upstreamMs };
      return { kind: 'head', sizeBytes: head.sizeBytes, passage };
    } catch (error) {
      return this.#failed(error, pull, startedMs);
    }
  }

  /** How many fills run. */
  get runningFills(): number {
    return this.#fills.running.length;
  }

  /** The fills that run, the oldest first. */
  get fills(): readonly RunningFill[] {
    return this.#fills.running.map((fill) => ({
      ...fill.progress,
      ahead: this.#prefetcher?.isUnused(fill.digest) === true,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The prefetcher first: it starts no more fills, and waits for those that are ended here.
    await Promise.all([this.#prefetcher?.[Symbol.asyncDispose](), this.#fills[Symbol.asyncDispose]()]);
  }

  async #start(pull: BlobPull): Promise<BlobResult> {
    // A fill that is fetched ahead may have started since the digest was looked for; else a mark is a removed blob's.
    const wasRunning = this.#fills.isRunning(pull.digest);
    const fill = this.#startFill(pull);
    const taken = this.#prefetcher?.take(pull.digest) === true && wasRunning;
    return await this.#follow(pull, fill, taken ? 'prefetched' : 'miss');
  }

  #startFill(request: FillRequest): Fill {
    const badContent = this.#badContent;
    return this.#fills.start(request, { ...this.#deps, badContent, rangeSupport: this.#rangeSupport });
  }

  async #serve(pull: BlobPull, blob: StoredBlob): Promise<BlobResult> {
    const source = new StoredSource(blob, () => this.#touch(pull.digest));
    const proof = await this.#proveOr(pull, source);
    if (proof.kind === 'not-pulled') return proof;
    this.#touch(pull.digest);
    const held = this.#prefetcher?.take(pull.digest) === true ? PREFETCHED : HIT;
    return { kind: 'blob', sizeBytes: source.sizeBytes, source, passage: proof.passage ?? held };
  }

  /**
   * Joins a running fill.
   * @returns undefined where it fails, or is refused to the repository that it runs through: once it has ended,
   * the digest is to be looked for again
   */
  async #join(pull: BlobPull, fill: Fill): Promise<BlobResult | undefined> {
    const leave = fill.attend();
    try {
      const own = sameRepository(fill.repository, pull.repository);
      if (!own) {
        const proof = await this.#prove(pull);
        if (proof.kind === 'not-pulled') return proof;
      }
      if (fill.isFailing) return undefined;
      const outcome = this.#prefetcher?.take(pull.digest) === true ? 'prefetched' : 'joined';
      const followed = await this.#follow(pull, fill, outcome);
      if (own || fill.state.kind !== 'refused') return followed;
      return undefined;
    } finally {
      leave();
    }
  }

  async #follow(pull: BlobPull, fill: Fill, outcome: 'miss' | 'joined' | 'prefetched'): Promise<BlobResult> {
    const startedMs = this.#deps.clock.monotonic();
    const leave = fill.attend();
    pull.passport.span?.joins(fill.passport.span);
    try {
      const opened = await orAbort(fill.opened, pull.signal);
      const upstreamMs = this.#deps.clock.monotonic() - startedMs;
      if (opened.kind === 'refused') return refusal(opened, 'BLOB_UNKNOWN', upstreamMs);
      const { sizeBytes, trail } = opened;
      const bypass = (prefix: BypassPrefix | undefined): ByteSource =>
        openBypass(pull, sizeBytes, prefix, { ...this.#deps, badContent: this.#badContent });
      if (opened.kind === 'bypass') {
        const passage: Passage = { outcome: 'bypass', trail, upstreamMs };
        return { kind: 'blob', sizeBytes, source: bypass(undefined), passage };
      }
      const passage: ChangingPassage = { outcome, trail, upstreamMs };
      if (outcome === 'miss') {
        passage.missReason = this.#deps.removed.take(pull.digest);
        if (fill.state.kind !== 'failed') passage.stored = true;
      }
      const source = fill.follow(
        (follower) => {
          passage.outcome = 'bypass';
          delete passage.stored;
          return bypass((into, at) => follower.readFile(into, at));
        },
        () => this.#touch(pull.digest),
      );
      return { kind: 'blob', sizeBytes, source, passage };
    } catch (error) {
      return this.#failed(error, pull, startedMs);
    } finally {
      leave();
    }
  }

  /** As `#prove`, and closes the source where there is no proof. */
  async #proveOr(pull: BlobPull, source: ByteSource): Promise<Proof> {
    try {
      const proof = await this.#prove(pull);
      if (proof.kind === 'not-pulled') await source.close();
      return proof;
    } catch (error) {
      await source.close();
      throw error;
    }
  }

  /** Whether the repository holds the digest: known, or the upstream is asked once for all who ask now. */
  async #prove(pull: BlobPull): Promise<Proof> {
    const { store, clock, telemetry } = this.#deps;
    const { repository, digest } = pull;
    if (await store.isProven(repository, digest, 'blob')) return { kind: 'proven', passage: undefined };
    const startedMs = clock.monotonic();
    try {
      const head = await this.#ask(pull);
      const upstreamMs = clock.monotonic() - startedMs;
      if (head.kind === 'refused') return refusal(head, 'BLOB_UNKNOWN', upstreamMs);
      // Without the record, the upstream is asked again the next time.
      const proving = store.prove(repository, digest, 'blob', { sizeBytes: head.sizeBytes });
      await tellStoreWrite(proving, digest, telemetry);
      return { kind: 'proven', passage: { outcome: 'revalidated', trail: head.trail, upstreamMs } };
    } catch (error) {
      return this.#failed(error, pull, startedMs);
    }
  }

  async #ask(pull: BlobPull): Promise<BlobHead> {
    const { repository, digest, passport } = pull;
    const upstream = this.#deps.upstreamOf(repository);
    const key = `${repositoryKey(repository)}@${digest}`;
    // Shared by all who ask: ends by the transport's timeouts, not with one client.
    const { signal: unending } = new AbortController();
    const { value } = await this.#heads.run(key, pull, () =>
      upstream.headBlob(repository.name, digest, passport, unending),
    );
    return value;
  }

  #touch(digest: Digest): void {
    this.#deps.store.touch(digest, this.#deps.clock.now());
  }

  #failed(error: unknown, pull: BlobPull, startedMs: number): NotPulled {
    if (error instanceof WrongDigestError) return sentWrongBytes();
    if (error instanceof UpstreamError && error.kind === 'avoided') return sentWrongBytes();
    const { clock, telemetry } = this.#deps;
    const upstream = this.#deps.upstreamOf(pull.repository).name;
    const request = `blob ${pull.digest} of ${repositoryKey(pull.repository)}`;
    return failure(error, { telemetry, upstream, request }, clock.monotonic() - startedMs);
  }
}

/** An answer that has begun may have to go on in another way. */
type ChangingPassage = { -readonly [Field in keyof Passage]: Passage[Field] };

const HIT: Passage = { outcome: 'hit', trail: undefined, upstreamMs: undefined };
const PREFETCHED: Passage = { ...HIT, outcome: 'prefetched' };

function sameRepository(one: Repository, other: Repository): boolean {
  return repositoryKey(one) === repositoryKey(other);
}
