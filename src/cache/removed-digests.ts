import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';

const REMEMBERED = 10_000;

/** The digests that were removed of late, so that the next miss can say why it is one. */
export class RemovedDigests {
  readonly #digests = new LRUCache<Digest, true>({ max: REMEMBERED });

  add(digest: Digest): void {
    this.#digests.set(digest, true);
  }

  /** Why a digest that is being fetched was not there; asked once for each fetch. */
  take(digest: Digest): 'expired' | 'new' {
    return this.#digests.delete(digest) ? 'expired' : 'new';
  }
}
