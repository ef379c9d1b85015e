import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';

const REMEMBERED_MS = 5 * 60_000;

/** Remembers where ranges are no use: hops that ignore them or lie about them, and ways on which they do not help. */
export class RangeSupport {
  readonly #until = new LRUCache<string, number>({ max: 1_000 });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  deny(upstream: string): void {
    this.#until.set(upstream, this.#clock.monotonic() + REMEMBERED_MS);
  }

  allows(upstream: string): boolean {
    return (this.#until.get(upstream) ?? -Infinity) <= this.#clock.monotonic();
  }
}
