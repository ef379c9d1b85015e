import type { Clock } from './clock.ts';

/** How far ahead of its rate a burst may run, in seconds. */
const BURST_S = 0.25;

/** Bounds a flow to so many bytes a second, shared by all who take from it. */
export class RateLimit {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  #paidUntilMs = -Infinity;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /**
   * Takes bytes that have come already.
   * @returns a promise only where the taker should pause
   */
  take(bytes: number, signal: AbortSignal): Promise<void> | undefined {
    const nowMs = this.#clock.monotonic();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs) + (bytes / this.#bytesPerSecond) * 1000;
    const aheadMs = this.#paidUntilMs - nowMs - BURST_S * 1000;
    return aheadMs > 0 ? this.#clock.sleep(aheadMs, signal) : undefined;
  }
}
