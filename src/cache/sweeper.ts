import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';
import type { Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface SweeperDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly ttlMs: number;
  /** `used`: counted from the last pull; `fetched`: from the fetch. */
  readonly by: 'used' | 'fetched';
  /** Told of each digest that is gone, so that memory forgets it too. */
  readonly onRemoved: (digest: Digest) => void;
}

const BATCH = 100;
/** Late by at most this much: it is also how soon something that is being read is looked at again. */
const RETRY_MS = 2_000;
/** A timer's longest wait; longer deadlines are waited for in steps. */
const LONGEST_WAIT_MS = 6 * 3600_000;

/** Removes what was not used for its TTL, driven by deadlines; the states are in `README.md` beside this file. */
export class Sweeper {
  readonly #deps: SweeperDeps;
  readonly #controller = new AbortController();
  readonly #running: Promise<void>;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new Error('the daemon is stopping'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      try {
        await this.#wait(signal);
        await this.#sweep(signal);
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        this.#deps.telemetry.emit({ kind: 'sweep-failed', reason });
        await this.#deps.clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Waits for the earliest deadline; while nothing is stored, looks again soon. */
  async #wait(signal: AbortSignal): Promise<void> {
    const { store, clock, by, ttlMs } = this.#deps;
    const earliestMs = await store.earliest(by);
    const leftMs = earliestMs === undefined ? RETRY_MS : earliestMs + ttlMs - clock.now();
    if (leftMs > 0) await clock.sleep(Math.min(leftMs, LONGEST_WAIT_MS), signal);
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { store, clock, by, ttlMs } = this.#deps;
    const cutoffMs = clock.now() - ttlMs;
    // What cannot be removed must not keep the others from being removed.
    const failures = new Map<Digest, unknown>();
    for (let removed = 1; removed > 0;) {
      removed = 0;
      const due = await store.due({ cutoffMs, by, limit: BATCH + failures.size });
      for (const digest of due) {
        signal.throwIfAborted();
        if (failures.has(digest)) continue;
        try {
          removed += (await this.#remove(digest, cutoffMs)) ? 1 : 0;
        } catch (error) {
          failures.set(digest, error);
        }
      }
    }
    for (const error of failures.values()) throw error;
    // What is due and still here is being read: not removed, and not asked for in a tight circle.
    const earliestMs = await store.earliest(by);
    if (earliestMs !== undefined && earliestMs <= cutoffMs) await clock.sleep(RETRY_MS, signal);
  }

  async #remove(digest: Digest, cutoffMs: number): Promise<boolean> {
    const { store, telemetry, by, onRemoved } = this.#deps;
    const { removed, sizeBytes, repositories } = await store.remove(digest, { by, cutoffMs });
    if (!removed) return false;
    onRemoved(digest);
    telemetry.emit({ kind: 'swept', reason: 'ttl', digest, sizeBytes, repositories });
    return true;
  }
}
