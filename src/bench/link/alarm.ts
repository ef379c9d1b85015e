/** What Node's timers and a way over loopback add. */
const LATE_MS = 0.2;
/** Where there is always something to do, it is done in steps of this. */
const TICK_MS = 2;

/**
 * One timer, set to the earliest moment that it was told of; none where there is nothing to wait for. Node's timers
 * go by whole milliseconds: what one delivery came too late, the next may come too early, so that their mean is right.
 */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs = Infinity;
  #rangAtMs = -Infinity;
  /** How late deliveries are at present, within half a tick. */
  #lateMs = 0;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** What is closer than this is due: 0 to 1 ms. */
  get earlyMs(): number {
    return 0.5 + this.#lateMs;
  }

  /** Notes when something that was due was delivered. */
  note(dueMs: number, nowMs: number): void {
    this.#lateMs = Math.min(0.5, Math.max(-0.5, this.#lateMs + nowMs + LATE_MS - dueMs));
  }

  /** Rings at that moment, or earlier if it was set so. @param atMs of `performance.now()` */
  set(atMs: number, nowMs: number): void {
    if (atMs === Infinity || atMs >= this.#atMs) return;
    this.clear();
    this.#atMs = atMs;
    const fromNowMs = Math.max(atMs - this.earlyMs, this.#rangAtMs + TICK_MS) - nowMs;
    this.#timer = setTimeout(
      () => {
        this.#atMs = Infinity;
        this.#rangAtMs = performance.now();
        this.#ring();
      },
      Math.max(1, Math.ceil(fromNowMs - LATE_MS)),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#atMs = Infinity;
  }
}
