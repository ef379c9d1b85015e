/**
 * Spaces bytes out so that no more than a rate passes, beside `burstBytes` at once. It reckons in the time at which
 * bytes should go, not in that at which somebody looks: a late timer costs no rate, and silence earns none.
 */
export class Pace {
  readonly #msPerByte: number;
  readonly #burstMs: number;
  #paidUntilMs = -Infinity;

  constructor(bitsPerSecond: number, burstBytes = 0) {
    this.#msPerByte = 8000 / bitsPerSecond;
    this.#burstMs = burstBytes * this.#msPerByte;
  }

  /** From when on something may go. */
  get readyAtMs(): number {
    return this.#paidUntilMs - this.#burstMs;
  }

  /** Takes bytes that could go from a moment on. @returns when the last of them has gone */
  spend(bytes: number, fromMs: number): number {
    this.#paidUntilMs = Math.max(this.#paidUntilMs, fromMs) + this.durationMs(bytes);
    return Math.max(fromMs, this.readyAtMs);
  }

  /** How long bytes take at the rate. */
  durationMs(bytes: number): number {
    return bytes * this.#msPerByte;
  }
}
