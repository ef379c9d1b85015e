import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestEvent, UpstreamAnswerEvent } from '../event.ts';
import { countByUpstream } from './count-by-upstream.ts';
import type { KnownLabels } from './known-labels.ts';

/** From a round trip on this machine to the longest that is waited for an answer's head. */
const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60];

/** Counts what hops answer, how long they take, and how they fail. */
export class UpstreamCounters {
  /** Of a request that another hop was asked instead. */
  readonly passedOver: (upstream: string) => void;
  readonly down: (upstream: string) => void;
  /** Of a request that no hop could answer. */
  readonly unanswered: (upstream: string) => void;
  readonly #labels: KnownLabels;
  readonly #answers;
  readonly #waits;
  readonly #requestWaits;

  constructor(registry: Registry, labels: KnownLabels) {
    this.#labels = labels;
    const count = (name: string, help: string): ((upstream: string) => void) =>
      countByUpstream(`regcache_upstream_${name}_total`, help, registry, labels);
    this.passedOver = count('passed_over', 'Requests that it failed and another one was asked instead.');
    this.down = count('downs', 'How often it was left out because it failed.');
    this.unanswered = count('unanswered', 'Requests that no hop could answer, by the first of the hops.');
    const registers = [registry];
    const way = ['namespace', 'upstream', 'lane'] as const;
    this.#answers = new Counter({
      name: 'regcache_upstream_answers_total',
      help: 'What came of requests to a hop: answered, the origin’s no included, or the kind of its failure.',
      labelNames: [...way, 'result'],
      registers,
    });
    this.#waits = new Histogram({
      name: 'regcache_upstream_wait_seconds',
      help: 'Time from a request to a hop to the head of its answer, or to its failure.',
      labelNames: way,
      buckets: WAIT_SECONDS,
      registers,
    });
    this.#requestWaits = new Histogram({
      name: 'regcache_request_upstream_wait_seconds',
      help: 'Time that a client’s request waited for the next hop; those that did not wait are not counted.',
      labelNames: ['resource', 'namespace'],
      buckets: WAIT_SECONDS,
      registers,
    });
  }

  answer({ namespace, upstream, lane, result, waitMs }: UpstreamAnswerEvent): void {
    const way = {
      namespace: this.#labels.namespace(namespace),
      upstream: this.#labels.upstream(upstream),
      lane,
    };
    this.#answers.inc({ ...way, result });
    this.#waits.observe(way, waitMs / 1000);
  }

  wait({ resource, namespace }: RequestEvent, upstreamMs: number): void {
    const labels = { resource: resource ?? '', namespace: this.#labels.namespace(namespace) };
    this.#requestWaits.observe(labels, upstreamMs / 1000);
  }
}
