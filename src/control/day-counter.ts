import type { Clock } from '../async/clock.ts';
import type { Outcome } from '../telemetry/event.ts';
import type { DayTally } from './snapshot.ts';
import { OpenTally } from './tally-ring.ts';

/** One figure of one day, as the store keeps it. */
export interface DayFigure {
  /** `2026-11-25`, by UTC. */
  readonly day: string;
  readonly namespace: string;
  readonly measure: string;
  readonly amount: number;
}

/** Where figures of days are kept. */
export interface DayStore {
  count(figure: DayFigure): void;
  days(since: string): Promise<readonly DayFigure[]>;
}

type Measure = Outcome | 'to-clients-bytes' | 'from-upstream-bytes';

const KEEP_MS = 10_000;

/** Counts by day and namespace, and hands over what it has every ten seconds; a crash loses no more than those. */
export class DayCounter implements AsyncDisposable {
  readonly #store: DayStore;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #running: Promise<void>;
  #counted = new Map<string, Map<Measure, number>>();

  constructor(store: DayStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#running = this.#run();
  }

  add(namespace: string, measure: Measure, amount: number): void {
    let measures = this.#counted.get(namespace);
    if (measures === undefined) {
      measures = new Map();
      this.#counted.set(namespace, measures);
    }
    measures.set(measure, (measures.get(measure) ?? 0) + amount);
  }

  /** The last so many days, today included, by namespace; days on which nothing happened are left out. */
  async read(days: number): Promise<readonly DayTally[]> {
    this.#handOver();
    const since = dayOf(this.#clock.now() - (days - 1) * 86_400_000);
    return tallyDays(await this.#store.days(since));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new Error('the daemon is stopping'));
    await this.#running;
    this.#handOver();
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    while (!signal.aborted) {
      await this.#clock.sleep(KEEP_MS, signal).catch(() => undefined);
      this.#handOver();
    }
  }

  /** What was counted just before midnight may be the next day's. */
  #handOver(): void {
    const counted = this.#counted;
    this.#counted = new Map();
    const day = dayOf(this.#clock.now());
    for (const [namespace, measures] of counted) {
      for (const [measure, amount] of measures) this.#store.count({ day, namespace, measure, amount });
    }
  }
}

/** What the figures of days say; figures that only another version knows are passed over. */
export function tallyDays(figures: readonly DayFigure[]): readonly DayTally[] {
  const tallies = new Map<string, { day: string; namespace: string; tally: OpenTally }>();
  for (const { day, namespace, measure, amount } of figures) {
    const key = `${day} ${namespace}`;
    const entry = tallies.get(key) ?? { day, namespace, tally: new OpenTally() };
    tallies.set(key, entry);
    const { tally } = entry;
    if (measure === 'to-clients-bytes') tally.toClientsBytes += amount;
    else if (measure === 'from-upstream-bytes') tally.fromUpstreamBytes += amount;
    else if (isOutcome(measure, tally)) {
      tally.outcomes[measure] += amount;
      tally.reads += amount;
    }
  }
  return Array.from(tallies.values(), ({ day, namespace, tally }) => ({ day, namespace, ...tally.closed() }));
}

function isOutcome(measure: string, { outcomes }: OpenTally): measure is Outcome {
  return Object.hasOwn(outcomes, measure);
}

/** The day of a moment, by UTC. */
function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
