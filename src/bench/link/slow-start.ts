/** RFC 6928: what a connection sends before the first acknowledgement. */
export const INITIAL_SEGMENTS = 10;
/** So long after its last acknowledgement a connection no longer trusts what it knew. */
const IDLE_MS = 1000;

export interface SlowStartOptions {
  readonly mssBytes: number;
  readonly roundTripMs: number;
  readonly ceilingBitsPerSecond: number;
}

/**
 * How many bytes a round trip one direction of a connection may send while it feels its way up to its ceiling: ten
 * segments at first (RFC 6928), and after each round trip as many more as went in it (RFC 5681, section 3.1). It
 * begins again after a second without a byte.
 */
export class SlowStart {
  readonly #initialBytes: number;
  readonly #enoughBytes: number;
  readonly #roundTripMs: number;
  #windowBytes: number;
  /** In the round trip that runs. */
  #sentBytes = 0;
  #roundStartMs = -Infinity;
  #lastSentMs = -Infinity;
  /** When the window that had been used up opened again. */
  #openedAtMs = -Infinity;

  constructor({ mssBytes, roundTripMs, ceilingBitsPerSecond }: SlowStartOptions) {
    this.#initialBytes = INITIAL_SEGMENTS * mssBytes;
    this.#enoughBytes = (ceilingBitsPerSecond / 8000) * roundTripMs;
    this.#roundTripMs = roundTripMs;
    this.#windowBytes = this.#initialBytes;
  }

  /** What may go at a moment. */
  allowedBytes(nowMs: number): number {
    this.#roll(nowMs);
    return this.#isOver ? Infinity : this.#windowBytes - this.#sentBytes;
  }

  /** Since when, or from when on, something may go. */
  readyAtMs(nowMs: number): number {
    return this.allowedBytes(nowMs) === 0 ? this.#nextRoundMs : this.#openedAtMs;
  }

  sent(bytes: number, atMs: number): void {
    if (this.#sentBytes === 0) this.#roundStartMs = atMs;
    this.#sentBytes += bytes;
    this.#lastSentMs = atMs;
  }

  get #isOver(): boolean {
    return this.#windowBytes >= this.#enoughBytes;
  }

  get #nextRoundMs(): number {
    return this.#roundStartMs + this.#roundTripMs;
  }

  #roll(nowMs: number): void {
    if (this.#sentBytes > 0 && nowMs >= this.#nextRoundMs) {
      if (!this.#isOver && this.#sentBytes === this.#windowBytes) this.#openedAtMs = this.#nextRoundMs;
      this.#windowBytes += this.#sentBytes;
      this.#sentBytes = 0;
    }
    if (nowMs - this.#lastSentMs - this.#roundTripMs > IDLE_MS) this.#windowBytes = this.#initialBytes;
  }
}
