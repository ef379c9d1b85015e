import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';
import { type Namespace, repositoryKey, type Repository } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Fill, FillRequest } from './fill.ts';
import type { Fills } from './fills.ts';
import { RecentImages } from './recent-images.ts';

/** What fetching ahead may take. */
export interface PrefetchLimits {
  /** Bytes that wait or are being fetched at a time. */
  readonly maxBytes: number;
  /** How many connections there may be to the upstream of a namespace. */
  readonly connectionsOf: (namespace: Namespace) => number;
}

export interface PrefetcherDeps extends PrefetchLimits {
  readonly fills: Pick<Fills, 'locate' | 'isRunning'>;
  readonly startFill: (request: FillRequest) => Fill;
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Fills ahead of their clients in one namespace, however many connections there are. */
const MAX_FILLS = 4;
/** A quarter of the connections is kept for questions; half of the others for what clients wait for. */
const FILLS_SHARE = 3 / 8;
/** Blobs that wait: sizes of nothing would pass any budget of bytes. */
const MAX_WAITING = 1_000;
const MAX_UNUSED = 10_000;

interface Ahead extends FillRequest {
  readonly sizeBytes: number;
}

/**
 * Fetches the other blobs of an image once a client has asked for one of its layers; the states are those of
 * `README.md` beside this file.
 */
export class Prefetcher implements AsyncDisposable {
  readonly #deps: PrefetcherDeps;
  readonly #images: RecentImages;
  /** In the order in which they are fetched. */
  readonly #waiting = new Map<Digest, Ahead>();
  readonly #fetching = new Map<Digest, Ahead>();
  /** Stored or arriving, and asked for by no client yet. */
  readonly #unused = new LRUCache<Digest, true>({ max: MAX_UNUSED });
  readonly #running = new Set<Promise<void>>();
  #aheadBytes = 0;
  #stopped = false;

  constructor(deps: PrefetcherDeps) {
    this.#deps = deps;
    this.#images = new RecentImages(deps.clock);
  }

  /** Notes that a client was given this manifest. */
  remember(repository: Repository, digest: Digest, bytes: Buffer): void {
    this.#images.remember(repository, digest, bytes);
  }

  /** Notes a client's GET: a blob that waits is the client's from now on, and a layer starts its image. */
  noteGet({ repository, digest, passport }: FillRequest): void {
    this.#release(this.#waiting, digest);
    const blobs = this.#images.start(repository, digest);
    if (blobs.length === 0) return;
    for (const { digest: other, sizeBytes } of blobs) {
      if (other !== digest) this.#enqueue({ repository, digest: other, sizeBytes, passport });
    }
    this.#fetchNext();
  }

  /**
   * Takes over what was fetched ahead for the first client that uses it.
   * @returns whether there was something to take
   */
  take(digest: Digest): boolean {
    if (!this.#unused.delete(digest)) return false;
    this.#release(this.#fetching, digest);
    this.#fetchNext();
    return true;
  }

  /** Whether it is here, or comes, only because it was fetched ahead. */
  isUnused(digest: Digest): boolean {
    return this.#unused.has(digest);
  }

  /** Starts nothing more and waits for what runs; the fills are their owner's to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    await Promise.all(this.#running);
  }

  #enqueue(ahead: Ahead): void {
    const { digest, sizeBytes, repository } = ahead;
    if (this.#stopped || this.#roomIn(repository.namespace) === 0) return;
    if (this.#waiting.has(digest) || this.#fetching.has(digest)) return;
    if (this.#waiting.size >= MAX_WAITING || this.#aheadBytes + sizeBytes > this.#deps.maxBytes) return;
    this.#waiting.set(digest, ahead);
    this.#aheadBytes += sizeBytes;
  }

  #fetchNext(): void {
    for (const ahead of this.#waiting.values()) {
      const { digest, repository } = ahead;
      if (this.#fetchingIn(repository.namespace) >= this.#roomIn(repository.namespace)) continue;
      this.#waiting.delete(digest);
      this.#fetching.set(digest, ahead);
      const running = this.#fetch(ahead).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  #roomIn(namespace: Namespace): number {
    return Math.min(MAX_FILLS, Math.floor(this.#deps.connectionsOf(namespace) * FILLS_SHARE));
  }

  #fetchingIn(namespace: Namespace): number {
    let fills = 0;
    for (const { repository } of this.#fetching.values()) fills += repository.namespace === namespace ? 1 : 0;
    return fills;
  }

  async #fetch(ahead: Ahead): Promise<void> {
    const { digest, repository } = ahead;
    try {
      const fill = await this.#begin(ahead);
      if (fill === undefined) return;
      const failure = await whyNotOpened(fill);
      await fill.ended;
      if (fill.state.kind === 'stored') return;
      const untold = this.#unused.delete(digest) && failure !== undefined;
      if (failure === 'avoided') return;
      this.#leaveToClients(repository);
      if (untold) this.#tell(ahead, failure);
    } catch (error) {
      const { message: reason, stack = '' } = error instanceof Error ? error : new Error(String(error));
      this.#deps.telemetry.emit({ kind: 'internal-error', request: requestName(ahead), reason, stack });
    } finally {
      if (this.#fetching.get(digest) === ahead) this.#release(this.#fetching, digest);
      this.#fetchNext();
    }
  }

  /** Undefined where there is nothing to fetch. */
  async #begin(ahead: Ahead): Promise<Fill | undefined> {
    const { fills, startFill } = this.#deps;
    const { digest } = ahead;
    const place = await fills.locate(digest);
    if (place.kind === 'stored') await place.blob.close();
    if (place.kind !== 'absent' || this.#stopped || fills.isRunning(digest)) return undefined;
    const fill = startFill(ahead);
    this.#unused.set(digest, true);
    return fill;
  }

  /** An upstream in trouble, or a store that is full, gets no more of this; the clients' own requests find out. */
  #leaveToClients(repository: Repository): void {
    const key = repositoryKey(repository);
    for (const ahead of this.#waiting.values()) {
      if (repositoryKey(ahead.repository) === key) this.#release(this.#waiting, ahead.digest);
    }
  }

  #release(from: Map<Digest, Ahead>, digest: Digest): void {
    const ahead = from.get(digest);
    if (ahead === undefined) return;
    from.delete(digest);
    this.#aheadBytes -= ahead.sizeBytes;
  }

  #tell(ahead: Ahead, { reason, hint }: Failure): void {
    const { telemetry, upstreamOf } = this.#deps;
    const upstream = upstreamOf(ahead.repository).name;
    telemetry.emit({ kind: 'upstream-failed', upstream, request: requestName(ahead), reason, hint });
  }
}

interface Failure {
  readonly reason: string;
  readonly hint: string | undefined;
}

/**
 * Why the upstream has sent nothing; whatever happens later, and to the store, the fill tells itself. `avoided` where
 * nobody was asked, because of wrong bytes that were sent before.
 */
async function whyNotOpened(fill: Fill): Promise<Failure | 'avoided' | undefined> {
  try {
    const opened = await fill.opened;
    if (opened.kind !== 'refused') return undefined;
    return {
      reason: `it answered ${opened.trail.status} to a blob that its manifest names`,
      hint: undefined,
    };
  } catch (error) {
    if (!(error instanceof UpstreamError)) return undefined;
    return error.kind === 'avoided' ? 'avoided' : { reason: error.message, hint: error.hint };
  }
}

function requestName({ repository, digest }: Ahead): string {
  return `prefetch of blob ${digest} of ${repositoryKey(repository)}`;
}
