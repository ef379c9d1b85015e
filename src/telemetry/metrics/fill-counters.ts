import { Histogram, type Registry } from 'prom-client';
import { countByUpstream } from './count-by-upstream.ts';
import type { KnownLabels } from './known-labels.ts';

const DURATION_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

/** Counts downloads into the store and what goes wrong with them, each by the hop that it comes from. */
export class FillCounters {
  readonly started: (upstream: string) => void;
  readonly failed: (upstream: string) => void;
  readonly resumed: (upstream: string) => void;
  readonly #finished;
  readonly #wrong;
  readonly #seconds;

  constructor(registry: Registry, labels: KnownLabels) {
    const count = (name: string, help: string): ((upstream: string) => void) =>
      countByUpstream(`regcache_${name}`, help, registry, labels);
    this.started = count('fills_started_total', 'Downloads into the store that have begun.');
    this.#finished = count('fills_finished_total', 'Downloads that were proven and stored.');
    this.failed = count('fills_failed_total', 'Downloads that were given up because the upstream failed.');
    this.resumed = count(
      'fill_resumes_total',
      'How often a download went on at the byte where its upstream broke off.',
    );
    this.#wrong = count(
      'digest_mismatches_total',
      'Contents that did not have their digest; none of them was stored.',
    );
    this.#seconds = new Histogram({
      name: 'regcache_fill_duration_seconds',
      help: 'Duration of downloads that were stored.',
      buckets: DURATION_SECONDS,
      registers: [registry],
    });
  }

  finished(upstream: string, durationMs: number): void {
    this.#finished(upstream);
    this.#seconds.observe(durationMs / 1000);
  }

  /** @param upstreams one or more, as the event names them: each has sent some of it */
  wrong(upstreams: string): void {
    for (const upstream of upstreams.split(', ')) this.#wrong(upstream);
  }
}
