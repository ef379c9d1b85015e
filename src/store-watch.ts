import { statfs } from 'node:fs/promises';
import type { Clock } from './async/clock.ts';
import type { StoreFacts } from './control/snapshot.ts';
import type { ExpiryBasis } from './store/index-request.ts';
import type { Store } from './store/store.ts';

export interface StoreFactsOptions {
  readonly root: string;
  /** How long what is unused is kept, as it is configured now; undefined: for ever. */
  readonly ttl: () => { readonly ttlMs: number | undefined; readonly by: ExpiryBasis };
  /** What the last failed write said, until one works again. */
  readonly failure: () => string | undefined;
}

/** Counting a large index takes a while: whoever asks within this time gets the same answer. */
const FRESH_MS = 2_000;
const SHOWN = 10;

/** Tells how full a store is and what goes next, to any number of watchers at the price of one. */
export class StoreWatch {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #options: StoreFactsOptions;
  #last: { readonly atMs: number; readonly facts: Promise<StoreFacts> } | undefined;

  constructor(store: Store, clock: Clock, options: StoreFactsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
  }

  readonly facts = async (): Promise<StoreFacts> => {
    const nowMs = this.#clock.monotonic();
    if (this.#last === undefined || nowMs - this.#last.atMs >= FRESH_MS) {
      this.#last = { atMs: nowMs, facts: this.#count() };
      // Whoever asked gets the failure; the next one to ask counts again.
      this.#last.facts.catch(() => {
        this.#last = undefined;
      });
    }
    return { ...(await this.#last.facts), failure: this.#options.failure() };
  };

  async #count(): Promise<StoreFacts> {
    const { root, ttl, failure } = this.#options;
    const { ttlMs, by } = ttl();
    const [{ blobs, bytes, oldest }, disk] = await Promise.all([
      this.#store.figures.summary(by, ttlMs === undefined ? 0 : SHOWN),
      statfs(root),
    ]);
    return {
      root,
      blobs,
      bytes,
      quotaBytes: undefined,
      diskBytes: disk.blocks * disk.bsize,
      diskFreeBytes: disk.bavail * disk.bsize,
      ttlMs,
      expiring: oldest.map(({ atMs, ...rest }) => ({ ...rest, atMs: atMs + (ttlMs ?? 0) })),
      failure: failure(),
    };
  }
}
