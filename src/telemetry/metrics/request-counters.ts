import { Counter, type Registry } from 'prom-client';
import type { MissReason, RequestEvent } from '../event.ts';
import type { KnownLabels } from './known-labels.ts';

const READS = ['manifest', 'blob'] as const;
const REASONS: readonly MissReason[] = ['new', 'expired', 'changed', 'head', 'refused', 'failed'];

/** Counts what is told of few requests only: why they had to be fetched, and that they ended short. */
export class RequestCounters {
  readonly #labels: KnownLabels;
  readonly #misses;
  readonly #incomplete;

  constructor(registry: Registry, labels: KnownLabels) {
    this.#labels = labels;
    const registers = [registry];
    this.#misses = new Counter({
      name: 'regcache_misses_total',
      help: 'Reads that had to be fetched, by why: those with the outcome miss.',
      labelNames: ['resource', 'reason', 'namespace'],
      registers,
    });
    this.#incomplete = new Counter({
      name: 'regcache_incomplete_answers_total',
      help: 'Answers that did not go out whole: the client left or the content failed.',
      labelNames: ['resource', 'namespace'],
      registers,
    });
    for (const namespace of labels.namespaces) {
      for (const resource of READS) {
        for (const reason of REASONS) this.#misses.inc({ resource, reason, namespace }, 0);
        this.#incomplete.inc({ resource, namespace }, 0);
      }
    }
  }

  add({ resource, namespace, missReason, complete }: RequestEvent): void {
    if (missReason === undefined && complete) return;
    const labels = { resource: resource ?? '', namespace: this.#labels.namespace(namespace) };
    if (missReason !== undefined) this.#misses.inc({ ...labels, reason: missReason });
    if (!complete) this.#incomplete.inc(labels);
  }
}
