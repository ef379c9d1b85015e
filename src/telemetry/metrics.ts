import { AggregatorRegistry, Registry } from 'prom-client';
import type { Clock } from '../async/clock.ts';
import type { RequestEvent, TelemetryEvent } from './event.ts';
import { DaemonCounters } from './metrics/daemon-counters.ts';
import { distributionFamilies } from './metrics/distribution-families.ts';
import { factFamilies } from './metrics/fact-families.ts';
import { type Family, family } from './metrics/family.ts';
import { FillCounters } from './metrics/fill-counters.ts';
import { KnownLabels, type KnownNames } from './metrics/known-labels.ts';
import { LoopDelay } from './metrics/loop-delay.ts';
import type { CertificateExpiry, MetricFacts } from './metrics/metric-facts.ts';
import { addProcessMetrics } from './metrics/process-metrics.ts';
import { RequestCells } from './metrics/request-cells.ts';
import { RequestCounters } from './metrics/request-counters.ts';
import { requestFamilies } from './metrics/request-families.ts';
import { StaleTags } from './metrics/stale-tags.ts';
import { StoreCounters } from './metrics/store-counters.ts';
import { TrafficTotals } from './metrics/traffic-totals.ts';
import { UpstreamAnswers } from './metrics/upstream-answers.ts';
import { UpstreamCounters } from './metrics/upstream-counters.ts';

export interface MetricsDeps {
  readonly clock: Clock;
  /** What is there to be seen now; asked once for each scrape. */
  readonly facts: () => Promise<MetricFacts>;
  /** Answers that are running. */
  readonly openRequests: () => number;
  readonly certificates: () => readonly CertificateExpiry[];
  readonly version: string;
  /** What is configured: nothing else becomes a label. */
  readonly names: KnownNames;
}

/** A consumer of events that counts them for Prometheus. Several can live in one process. */
export class Metrics implements Disposable {
  readonly #deps: MetricsDeps;
  readonly #labels: KnownLabels;
  readonly #registry = new Registry();
  readonly #loopDelay: LoopDelay;
  readonly #cells: RequestCells;
  readonly #staleTags: StaleTags;
  readonly #traffic: TrafficTotals;
  readonly #requests: RequestCounters;
  readonly #answers: UpstreamAnswers;
  readonly #upstreams: UpstreamCounters;
  readonly #fills: FillCounters;
  readonly #store: StoreCounters;
  readonly #daemon: DaemonCounters;

  constructor(deps: MetricsDeps) {
    this.#deps = deps;
    this.#loopDelay = new LoopDelay(deps.clock);
    const labels = new KnownLabels(deps.names);
    this.#labels = labels;
    this.#cells = new RequestCells(labels);
    this.#staleTags = new StaleTags(labels);
    this.#traffic = new TrafficTotals(labels);
    this.#requests = new RequestCounters(this.#registry, labels);
    this.#answers = new UpstreamAnswers(labels);
    this.#upstreams = new UpstreamCounters(this.#registry, labels);
    this.#fills = new FillCounters(this.#registry, labels);
    this.#store = new StoreCounters(this.#registry);
    this.#daemon = new DaemonCounters(this.#registry, deps.version);
    addProcessMetrics(this.#registry);
  }

  readonly observe = (event: TelemetryEvent): void => {
    switch (event.kind) {
      case 'request':
        return this.#addRequest(event);
      case 'sent':
        return this.#traffic.addSent(event);
      case 'received':
        return this.#traffic.addReceived(event);
      case 'upstream-answer':
        return this.#answers.add(event);
      case 'hop-failed':
        return this.#upstreams.passedOver(event.upstream);
      case 'hop-down':
        return this.#upstreams.down(event.upstream);
      case 'upstream-failed':
        return this.#upstreams.unanswered(event.upstream);
      case 'fill-started':
        return this.#fills.started(event.upstream);
      case 'fill-finished':
        return this.#fills.finished(event.upstream, event.durationMs);
      case 'fill-failed':
        return this.#fills.failed(event.upstream);
      case 'fill-resumed':
        return this.#fills.resumed(event.upstream);
      case 'digest-mismatch':
        return this.#fills.wrong(event.upstream);
      case 'swept':
        return this.#store.evicted(event);
      case 'sweep-failed':
        return this.#store.sweepFailed();
      case 'store-write-failed':
        return this.#store.writeFailed(event.code);
      case 'reloaded':
        return this.#daemon.reloaded(true);
      case 'reload-failed':
        return this.#daemon.reloaded(false);
      case 'internal-error':
        return this.#daemon.internalError();
      default:
    }
  };

  /** Takes over what a new configuration names. */
  learn(names: KnownNames): void {
    this.#labels.learn(names);
  }

  /** Of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in Prometheus' text format. */
  async text(): Promise<string> {
    const facts = await this.#deps.facts().catch(() => undefined);
    const families = AggregatorRegistry.aggregate([[...this.#families(facts)]]);
    return `${await families.metrics()}${await this.#registry.metrics()}`;
  }

  /** Stops watching the event loop. */
  [Symbol.dispose](): void {
    this.#loopDelay[Symbol.dispose]();
  }

  #addRequest(event: RequestEvent): void {
    this.#cells.add(event);
    this.#staleTags.add(event);
    this.#requests.add(event);
  }

  #families(facts: MetricFacts | undefined): readonly Family[] {
    const cells = [...this.#cells.all()];
    const openRequests = this.#deps.openRequests();
    return [
      ...requestFamilies(cells),
      ...this.#traffic.families(),
      ...this.#answers.families(),
      ...factFamilies(facts, this.#labels),
      ...distributionFamilies(cells, this.#traffic.pulled, openRequests),
      family('gauge', 'regcache_open_requests', 'Answers to clients that are running.', openRequests),
      this.#staleTags.family(),
      this.#loopDelay.family(),
      certificates(this.#deps.certificates()),
    ];
  }
}

function certificates(all: readonly CertificateExpiry[]): Family {
  const earliest = new Map<string, CertificateExpiry>();
  for (const one of all) {
    const key = `${one.role} ${one.file}`;
    if (one.expiresAtMs < (earliest.get(key)?.expiresAtMs ?? Infinity)) earliest.set(key, one);
  }
  return family(
    'gauge',
    'regcache_certificate_expiry_timestamp_seconds',
    'When the first certificate of a file ends, as Unix time.',
    Array.from(earliest.values(), ({ role, file, expiresAtMs }) => ({
      labels: { role, file },
      value: expiresAtMs / 1000,
    })),
  );
}
