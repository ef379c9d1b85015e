import type { Digest } from '../oci/digest.ts';
import type { Store } from '../store/store.ts';
import type { StoredBlob } from '../store/stored-blob.ts';
import { Fill, type FillDeps, type FillRequest } from './fill.ts';

/** Where a digest is found: at rest, still arriving, or nowhere yet. */
export type Place =
  | { readonly kind: 'stored'; readonly blob: StoredBlob }
  | { readonly kind: 'filling'; readonly fill: Fill }
  | { readonly kind: 'absent' };

/** The fills that run in this daemon: at most one for a digest. */
export class Fills {
  readonly #store: Store;
  readonly #running = new Map<Digest, Fill>();
  #endedFills = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Looks for a digest. A fill that ends while the store is asked is asked for again, never started twice. */
  async locate(digest: Digest): Promise<Place> {
    for (;;) {
      const running = this.#running.get(digest);
      if (running !== undefined) return { kind: 'filling', fill: running };
      const ended = this.#endedFills;
      const blob = await this.#store.openBlob(digest);
      if (blob !== undefined) return { kind: 'stored', blob };
      if (ended === this.#endedFills && !this.#running.has(digest)) return { kind: 'absent' };
    }
  }

  /** Joins the fill of a digest or starts it; to be called at once after `locate` said `absent`. */
  start(request: FillRequest, deps: FillDeps): Fill {
    const running = this.#running.get(request.digest);
    if (running !== undefined) return running;
    const fill = new Fill(request, deps);
    this.#running.set(request.digest, fill);
    void fill.ended.then(() => {
      this.#running.delete(request.digest);
      this.#endedFills += 1;
    });
    return fill;
  }

  /** Whether a fill of this digest runs at this moment. */
  isRunning(digest: Digest): boolean {
    return this.#running.has(digest);
  }

  /** The oldest first. */
  get running(): readonly Fill[] {
    return [...this.#running.values()];
  }

  /** Ends every fill and waits until each has cleaned up. */
  async [Symbol.asyncDispose](): Promise<void> {
    const fills = [...this.#running.values()];
    for (const fill of fills) fill.abort(new Error('the daemon is stopping'));
    await Promise.all(fills.map(async (fill) => fill.ended));
  }
}
