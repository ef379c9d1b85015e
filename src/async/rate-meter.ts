import type { Clock } from './clock.ts';

const SECONDS = 5;

/** How much of something happens in a second, over the last five whole seconds and the one that runs. */
export class RateMeter {
  readonly #clock: Clock;
  readonly #buckets = new Float64Array(SECONDS + 1);
  readonly #startedMs: number;
  /** The second that the newest bucket belongs to. */
  #second: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonic();
    this.#second = Math.floor(this.#startedMs / 1000);
  }

  add(amount: number): void {
    this.#advance();
    const at = this.#second % this.#buckets.length;
    this.#buckets[at] = (this.#buckets[at] ?? 0) + amount;
  }

  /** Since its making, where that is less than five seconds ago. */
  get perSecond(): number {
    this.#advance();
    const nowMs = this.#clock.monotonic();
    const spanMs = Math.min(nowMs - this.#startedMs, SECONDS * 1000 + (nowMs % 1000));
    const sum = this.#buckets.reduce((all, one) => all + one, 0);
    return sum / Math.max(1, spanMs / 1000);
  }

  #advance(): void {
    const second = Math.floor(this.#clock.monotonic() / 1000);
    const passed = Math.min(second - this.#second, this.#buckets.length);
    for (let one = 1; one <= passed; one += 1) this.#buckets[(this.#second + one) % this.#buckets.length] = 0;
    this.#second = second;
  }
}
