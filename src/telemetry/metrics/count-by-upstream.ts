import { Counter, type Registry } from 'prom-client';
import type { KnownLabels } from './known-labels.ts';

/**
 * Makes a counter with one number for each hop. Those that a configuration names are there before anything is counted:
 * Prometheus sees only that grow which it has seen before.
 * @returns counts one
 */
export function countByUpstream(
  name: string,
  help: string,
  registry: Registry,
  labels: KnownLabels,
): (upstream: string) => void {
  const counter = new Counter({
    name,
    help,
    labelNames: ['upstream'],
    registers: [registry],
    collect: () => {
      for (const upstream of labels.upstreams) counter.inc({ upstream }, 0);
    },
  });
  return (upstream) => counter.inc({ upstream: labels.upstream(upstream) });
}
