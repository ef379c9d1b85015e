import { performance } from 'node:perf_hooks';

const REMEMBERED_WAITS = 32;
const REMEMBERED_ORIGINS = 256;

/** More of a wait than this spent on other work, and nobody knows how long the answer lay there unseen. */
const MOST_BUSY = 0.5;

/**
 * Begins to measure a wait.
 * @returns how long it was, in milliseconds; undefined where this process was busy meanwhile, so that a loaded machine
 *   does not look like a far one
 */
export function startWait(): () => number | undefined {
  const start = performance.eventLoopUtilization();
  return () => {
    const { idle, active, utilization } = performance.eventLoopUtilization(start);
    return utilization > MOST_BUSY ? undefined : idle + active;
  };
}

/** How far away the servers are that one has waited for. */
export class RoundTrips {
  readonly #waits = new Map<string, number[]>();

  /** @param waitedMs from a sent request to the head of its answer; undefined where nobody knows */
  note(origin: string, waitedMs: number | undefined): void {
    if (waitedMs === undefined) return;
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
