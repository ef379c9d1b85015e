import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';
import { RateMeter } from '../async/rate-meter.ts';
import type { Outcome, RequestEvent, TelemetryEvent } from '../telemetry/event.ts';
import type { DayCounter } from './day-counter.ts';
import { HopTallies } from './hop-tallies.ts';
import type { PullFacts, RepositoryFacts, Tally, TrafficFacts } from './snapshot.ts';
import { OpenTally, TallyRing } from './tally-ring.ts';

const NOW_SECONDS = 10;
const HISTORY_STEP_MS = 10_000;
const HOUR_STEPS = 360;
const FIVE_MINUTES_STEPS = 30;
/** Remembered by their last read; the busiest of them are shown. */
const MAX_REPOSITORIES = 1_000;
const SHOWN = 100;

/** A request that read a manifest or a blob. */
type Read = RequestEvent & { readonly outcome: Outcome };

interface RepositoryTally {
  reads: number;
  hits: number;
  toClientsBytes: number;
  lastReadAtMs: number;
}

/**
 * What the events add up to. Its memory does not grow with the number of requests; what it does for each is small enough
 * to be always on.
 */
export class Statistics {
  readonly hops: HopTallies;
  readonly #clock: Clock;
  readonly #days: DayCounter;
  readonly #total = new OpenTally();
  readonly #seconds: TallyRing;
  readonly #history: TallyRing;
  readonly #requests: RateMeter;
  readonly #toClients: RateMeter;
  readonly #fromUpstream: RateMeter;
  readonly #repositories = new LRUCache<string, RepositoryTally>({ max: MAX_REPOSITORIES });
  readonly #reads: { readonly event: Read; readonly atMs: number }[] = [];
  #nextRead = 0;

  constructor(clock: Clock, days: DayCounter) {
    this.#clock = clock;
    this.#days = days;
    this.hops = new HopTallies(clock);
    this.#seconds = new TallyRing(clock, 1_000, NOW_SECONDS);
    this.#history = new TallyRing(clock, HISTORY_STEP_MS, HOUR_STEPS);
    this.#requests = new RateMeter(clock);
    this.#toClients = new RateMeter(clock);
    this.#fromUpstream = new RateMeter(clock);
  }

  readonly observe = (event: TelemetryEvent): void => {
    switch (event.kind) {
      case 'request':
        this.#requests.add(1);
        if (isRead(event)) this.#noteRead(event);
        break;
      case 'sent':
        this.#toClients.add(event.bytes);
        for (const tally of this.#tallies) tally.toClientsBytes += event.bytes;
        this.#days.add(event.namespace, 'to-clients-bytes', event.bytes);
        break;
      case 'received':
        this.#fromUpstream.add(event.bytes);
        for (const tally of this.#tallies) tally.fromUpstreamBytes += event.bytes;
        this.#days.add(event.namespace, 'from-upstream-bytes', event.bytes);
        break;
      case 'upstream-answer':
        this.hops.note(event);
        break;
      default:
    }
  };

  /** All that is known of the traffic but the answers that run. */
  get traffic(): Omit<TrafficFacts, 'openRequests'> {
    return {
      now: this.#seconds.sum(),
      fiveMinutes: this.#history.sum(FIVE_MINUTES_STEPS),
      hour: this.#history.sum(),
      total: this.#total.closed(),
      requestsPerSecond: this.#requests.perSecond,
      toClientsBytesPerSecond: this.#toClients.perSecond,
      fromUpstreamBytesPerSecond: this.#fromUpstream.perSecond,
      history: this.#history.all.map(copyOf),
    };
  }

  /** The busiest first. */
  get repositories(): readonly RepositoryFacts[] {
    const all = Array.from(this.#repositories.entries(), ([repository, tally]) => ({ repository, ...tally }));
    return all.toSorted((one, other) => other.reads - one.reads).slice(0, SHOWN);
  }

  /** The newest reads first. */
  get pulls(): readonly PullFacts[] {
    const ordered = [...this.#reads.slice(this.#nextRead), ...this.#reads.slice(0, this.#nextRead)];
    return ordered.toReversed().map(({ event, atMs }) => pullOf(event, atMs));
  }

  get #tallies(): readonly OpenTally[] {
    return [this.#total, this.#seconds.current, this.#history.current];
  }

  #noteRead(event: Read): void {
    const { outcome, namespace = '' } = event;
    for (const tally of this.#tallies) {
      tally.reads += 1;
      tally.outcomes[outcome] += 1;
    }
    this.#days.add(namespace, outcome, 1);
    const atMs = this.#clock.now();
    this.#reads[this.#nextRead] = { event, atMs };
    this.#nextRead = (this.#nextRead + 1) % SHOWN;
    const key = repositoryOf(event);
    let repository = this.#repositories.get(key);
    if (repository === undefined) {
      repository = { reads: 0, hits: 0, toClientsBytes: 0, lastReadAtMs: 0 };
      this.#repositories.set(key, repository);
    }
    repository.reads += 1;
    if (outcome === 'hit') repository.hits += 1;
    repository.toClientsBytes += event.bytesSent;
    repository.lastReadAtMs = atMs;
  }
}

/** Whether a request counts for the hit rate: it read a manifest or a blob, and it is known where that came from. */
function isRead(event: RequestEvent): event is Read {
  return (event.resource === 'manifest' || event.resource === 'blob') && event.outcome !== undefined;
}

function repositoryOf({ namespace = '', repository = '' }: RequestEvent): string {
  return `${namespace}/${repository}`;
}

function copyOf({ reads, outcomes, toClientsBytes, fromUpstreamBytes }: Tally): Tally {
  return { reads, outcomes: { ...outcomes }, toClientsBytes, fromUpstreamBytes };
}

function pullOf(event: Read, atMs: number): PullFacts {
  const { resource, reference = '', status, outcome, missReason, bytesSent, durationMs, client } = event;
  return {
    atMs,
    resource: resource ?? 'blob',
    repository: repositoryOf(event),
    reference,
    status,
    outcome,
    missReason,
    bytesSent,
    durationMs,
    client,
  };
}
