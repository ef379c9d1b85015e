import type { Registry } from 'prom-client';
import { countByUpstream } from './count-by-upstream.ts';
import type { KnownLabels } from './known-labels.ts';

/** Counts how hops fail and what is done about it. */
export class UpstreamCounters {
  /** Of a request that another hop was asked instead. */
  readonly passedOver: (upstream: string) => void;
  readonly down: (upstream: string) => void;
  /** Of a request that no hop could answer. */
  readonly unanswered: (upstream: string) => void;

  constructor(registry: Registry, labels: KnownLabels) {
    const count = (name: string, help: string): ((upstream: string) => void) =>
      countByUpstream(`regcache_upstream_${name}_total`, help, registry, labels);
    this.passedOver = count('passed_over', 'Requests that it failed and another one was asked instead.');
    this.down = count('downs', 'How often it was left out because it failed.');
    this.unanswered = count('unanswered', 'Requests that no hop could answer, by the first of the hops.');
  }
}
