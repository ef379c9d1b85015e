import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time as the program sees it; tests hand in one that they move themselves. */
export interface Clock {
  /** Wall-clock time, milliseconds since the epoch. */
  now(): number;
  /** A clock that never goes back, milliseconds since some moment; for measuring waits. */
  monotonic(): number;
  /**
   * Waits. Does not keep the process alive by itself.
   * @throws the signal's reason when it aborts
   */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, signal) => {
    signal.throwIfAborted();
    await sleepFor(milliseconds, undefined, { signal, ref: false }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  },
};
