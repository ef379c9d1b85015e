import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';

const REMEMBERED_MS = 5 * 60_000;

/** Remembers which upstream sent wrong bytes for which digest, so that a chain does not fetch poison again and again. */
export class BadContent {
  readonly #until = new LRUCache<string, number>({ max: 10_000 });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(digest: Digest, upstream: string): void {
    this.#until.set(`${digest} ${upstream}`, this.#clock.monotonic() + REMEMBERED_MS);
  }

  has(digest: Digest, upstream: string): boolean {
    const until = this.#until.get(`${digest} ${upstream}`);
    return until !== undefined && until > this.#clock.monotonic();
  }
}
