import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../async/clock.ts';
import { type Family, family } from './family.ts';

/** Time between samples: finer ones cost more than they tell, half a percent of a core at 10 ms. */
const RESOLUTION_MS = 20;
/** Several who ask within this time are told the same: what one has seen is not gone for the other. */
const WINDOW_MS = 5_000;

/** Watches how late this thread's event loop is. */
export class LoopDelay implements Disposable {
  readonly #clock: Clock;
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #told: Readonly<Record<'p50' | 'p99' | 'max', number>> = { p50: 0, p99: 0, max: 0 };
  #toldAtMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#histogram.enable();
  }

  /** Since it was asked before, but not more often than every five seconds. */
  family(): Family {
    this.#look();
    return family(
      'gauge',
      'regcache_event_loop_delay_seconds',
      'How late the event loop was since the scrape before: half of the samples, 99 of 100, all.',
      Object.entries(this.#told).map(([stat, value]) => ({ labels: { worker: 'main', stat }, value })),
    );
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }

  #look(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#toldAtMs < WINDOW_MS || this.#histogram.count === 0) return;
    this.#told = {
      p50: seconds(this.#histogram.percentile(50)),
      p99: seconds(this.#histogram.percentile(99)),
      max: seconds(this.#histogram.max),
    };
    this.#toldAtMs = nowMs;
    this.#histogram.reset();
  }
}

/** A sample is the time from one to the next. */
function seconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
