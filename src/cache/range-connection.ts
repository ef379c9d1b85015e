import type { Clock } from '../async/clock.ts';
import type { Part } from './receive.ts';

/** One connection's part of a blob, and how it goes. */
export class RangeConnection {
  /** What it still lacks: its start moves as bytes come, its end where another one takes the rest. */
  readonly part: Part;
  readonly controller = new AbortController();
  readonly #clock: Clock;
  readonly #startedMs: number;
  #lastProgressMs: number;
  #receivedBytes = 0;
  #hasPaused = false;

  constructor(part: Part, clock: Clock) {
    this.part = part;
    this.#clock = clock;
    this.#startedMs = this.#lastProgressMs = clock.monotonic();
  }

  /** @param isPaused whether the disk asked for a pause */
  note(bytes: number, isPaused: boolean): void {
    this.#receivedBytes += bytes;
    this.#lastProgressMs = this.#clock.monotonic();
    this.#hasPaused ||= isPaused;
  }

  /** Whether the disk has ever been slower than this connection. */
  get hasPaused(): boolean {
    return this.#hasPaused;
  }

  /** Whether its answer is still to come. */
  get isWaiting(): boolean {
    return this.#receivedBytes === 0;
  }

  get silentMs(): number {
    return this.#clock.monotonic() - this.#lastProgressMs;
  }

  /** From its beginning to its last byte. */
  get bytesPerMs(): number {
    return this.#receivedBytes / Math.max(1, this.#lastProgressMs - this.#startedMs);
  }
}
