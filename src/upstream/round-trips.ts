import { performance } from 'node:perf_hooks';

const REMEMBERED_WAITS = 32;
const REMEMBERED_ORIGINS = 256;

/**
 * Begins to measure a wait.
 * @returns how long it was, in milliseconds. Only the time counts in which this process had nothing else to do: then
 *   the answer had not come yet; how long it lay there unseen otherwise, nobody knows. So a busy process sees its
 *   upstreams nearer than they are, and never further away.
 */
export function startWait(): () => number {
  const start = performance.eventLoopUtilization();
  return () => performance.eventLoopUtilization(start).idle;
}

/** How far away the servers are that one has waited for. */
export class RoundTrips {
  readonly #waits = new Map<string, number[]>();

  /** @param waitedMs from a sent request to the head of its answer */
  note(origin: string, waitedMs: number): void {
    const waits = this.#waits.get(origin) ?? [];
    this.#waits.delete(origin);
    this.#waits.set(origin, [...waits.slice(1 - REMEMBERED_WAITS), waitedMs]);
    const [oldest = ''] = this.#waits.keys();
    if (this.#waits.size > REMEMBERED_ORIGINS) this.#waits.delete(oldest);
  }

  /** The shortest of the last waits, in milliseconds; 0 while none is known. */
  shortestMs(origin: string): number {
    const waits = this.#waits.get(origin);
    return waits === undefined ? 0 : Math.min(...waits);
  }
}
