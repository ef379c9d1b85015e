import type { Clock } from '../async/clock.ts';
import type { FoundBlob } from './receive.ts';

/** Nearer than this, one connection is as good as several. */
const FAR_MS = 20;
/** So often a hop that looks far is asked again, and for so long: what is really far needs it only once. */
const MEASURES = 3;
const MEASURED_MS = 150;

/** How far away the sender of a blob is. A server that is busy looks far until it is asked again. */
export class Distance {
  readonly #first: Pick<FoundBlob, 'roundTripMs' | 'measureMs'>;
  readonly #clock: Clock;
  #isFar: boolean | undefined;
  #isMeasuring = false;
  #roundTripMs: number;

  constructor(first: Pick<FoundBlob, 'roundTripMs' | 'measureMs'>, clock: Clock) {
    this.#first = first;
    this.#clock = clock;
    this.#roundTripMs = first.roundTripMs;
    if (this.#roundTripMs < FAR_MS) this.#isFar = false;
  }

  /** The shortest that is known, in milliseconds. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** Undefined while it only looks far. */
  get isFar(): boolean | undefined {
    return this.#isFar;
  }

  note(roundTripMs: number): void {
    this.#roundTripMs = Math.min(this.#roundTripMs, roundTripMs);
  }

  /** Settles {@link isFar}, once. */
  measure(signal: AbortSignal): void {
    if (this.#isMeasuring) return;
    this.#isMeasuring = true;
    void this.#measure(signal);
  }

  async #measure(signal: AbortSignal): Promise<void> {
    const startMs = this.#clock.monotonic();
    for (let round = 0; round < MEASURES && !signal.aborted; round += 1) {
      this.note(await this.#first.measureMs(signal));
      if (this.#roundTripMs < FAR_MS || this.#clock.monotonic() - startMs > MEASURED_MS) break;
    }
    this.#isFar = this.#roundTripMs >= FAR_MS;
  }
}
