import type { Clock } from '../async/clock.ts';
import type { Outcome } from '../telemetry/event.ts';
import type { Tally } from './snapshot.ts';

const OUTCOMES = [
  'hit',
  'prefetched',
  'joined',
  'miss',
  'revalidated',
  'stale',
  'bypass',
] as const satisfies readonly Outcome[];

/** A {@link Tally} that is still counted into. */
export class OpenTally {
  reads = 0;
  toClientsBytes = 0;
  fromUpstreamBytes = 0;
  readonly outcomes: Record<Outcome, number> = {
    hit: 0,
    prefetched: 0,
    joined: 0,
    miss: 0,
    revalidated: 0,
    stale: 0,
    bypass: 0,
  };

  add(other: Tally): void {
    this.reads += other.reads;
    this.toClientsBytes += other.toClientsBytes;
    this.fromUpstreamBytes += other.fromUpstreamBytes;
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
  }

  closed(): Tally {
    const { reads, outcomes, toClientsBytes, fromUpstreamBytes } = this;
    return { reads, outcomes: { ...outcomes }, toClientsBytes, fromUpstreamBytes };
  }
}

/** Tallies of equal stretches of time, the last so many of them. */
export class TallyRing {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #count: number;
  readonly #tallies: OpenTally[] = [new OpenTally()];
  /** The stretch that the last tally belongs to. */
  #step: number;

  constructor(clock: Clock, stepMs: number, count: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.#count = count;
    this.#step = Math.floor(clock.monotonic() / stepMs);
  }

  /** The tally of this moment. */
  get current(): OpenTally {
    const step = Math.floor(this.#clock.monotonic() / this.#stepMs);
    for (let missing = Math.min(step - this.#step, this.#count); missing > 0; missing -= 1) {
      this.#tallies.push(new OpenTally());
      if (this.#tallies.length > this.#count) this.#tallies.shift();
    }
    this.#step = step;
    return this.#tallies.at(-1) ?? new OpenTally();
  }

  /** The oldest first; the last one is still being counted into. */
  get all(): readonly Tally[] {
    void this.current;
    return this.#tallies;
  }

  /** The last so many stretches together, the current one included. */
  sum(stretches: number = this.#count): Tally {
    const sum = new OpenTally();
    for (const tally of this.all.slice(-stretches)) sum.add(tally);
    return sum.closed();
  }
}
