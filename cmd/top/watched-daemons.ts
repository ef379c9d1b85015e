import type { Clock } from '../../src/async/clock.ts';
import type { DaemonState } from './daemon-state.ts';
import { DaemonWatch, type SnapshotSource } from './daemon-watch.ts';

/** How often a change is told at most: a person reads no faster, and each telling is a redraw. */
const TELL_MS = 200;

/** Several daemons as one thing to look at, in the order in which they were named. */
export class WatchedDaemons implements AsyncDisposable {
  readonly #watches: readonly DaemonWatch[];
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #running: Promise<unknown>;
  #states: readonly DaemonState[];
  #toldMs = -Infinity;
  #isDue = false;

  constructor(sources: readonly SnapshotSource[], clock: Clock) {
    this.#clock = clock;
    const onChange = (): void => this.#change();
    this.#watches = sources.map((source) => new DaemonWatch({ source, clock, onChange }));
    this.#states = this.#watches.map(({ state }) => state);
    this.#running = Promise.all(this.#watches.map(async (watch) => await watch.run(this.#stop.signal)));
    // It is awaited where the watching ends; a fault must not end the program before.
    this.#running.catch(() => undefined);
  }

  /** The same list until something is told. */
  readonly states = (): readonly DaemonState[] => this.#states;

  /** @returns ends the subscription */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Settles where watching ends by itself, which is a fault of this program. */
  async failed(): Promise<never> {
    await this.#running;
    return await new Promise(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('nobody looks any more'));
    await this.#running.catch(() => undefined);
  }

  #change(): void {
    if (this.#isDue) return;
    const waitMs = this.#toldMs + TELL_MS - this.#clock.monotonic();
    if (waitMs <= 0) {
      this.#tell();
      return;
    }
    this.#isDue = true;
    this.#clock.sleep(waitMs, this.#stop.signal).then(
      () => this.#tell(),
      () => undefined,
    );
  }

  #tell(): void {
    this.#isDue = false;
    this.#toldMs = this.#clock.monotonic();
    this.#states = this.#watches.map(({ state }) => state);
    for (const listener of this.#listeners) listener();
  }
}
