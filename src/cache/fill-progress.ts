import type { Clock } from '../async/clock.ts';
import { RateMeter } from '../async/rate-meter.ts';
import type { ByteSink } from '../upstream/body.ts';
import type { Digest } from '../oci/digest.ts';

/** How far a fill has come. */
export interface FillProgress {
  readonly digest: Digest;
  /** Namespace and name. */
  readonly repository: string;
  /** Host and port of who sends it. */
  readonly upstream: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly doneBytes: number;
  /** Undefined while the upstream has not told. */
  readonly sizeBytes: number | undefined;
  readonly bytesPerSecond: number;
  /** Clients that wait for it or read it. */
  readonly followers: number;
}

/** Counts what comes for one fill. */
export class FillMeter {
  readonly startedAtMs: number;
  readonly #rate: RateMeter;
  #doneBytes = 0;

  constructor(clock: Clock) {
    this.startedAtMs = clock.now();
    this.#rate = new RateMeter(clock);
  }

  get doneBytes(): number {
    return this.#doneBytes;
  }

  get bytesPerSecond(): number {
    return this.#rate.perSecond;
  }

  /** A sink that counts what it is given. */
  counting(sink: ByteSink): ByteSink {
    return (chunk) => {
      this.#doneBytes += chunk.length;
      this.#rate.add(chunk.length);
      return sink(chunk);
    };
  }
}
