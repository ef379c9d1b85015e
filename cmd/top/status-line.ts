import { hitRate } from '../../src/control/hit-rate.ts';
import { printable } from '../../src/control/printable.ts';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { clockTime, count, percent, speed } from './figures.ts';
import { storeShare } from './store-panel.ts';

/** How one daemon is doing, in one line: for a log, or for a pipe. */
export function statusLine(name: string, snapshot: Snapshot): string {
  const { traffic, fills, upstreams, store, health, atMs } = snapshot;
  const { requests, bytes } = hitRate(traffic.now);
  const up = upstreams.filter(({ state }) => state === 'up').length;
  const problems = Object.entries(health.problems).map(([part, problem]) => `${part}: ${problem}`);
  const facts = [
    `${clockTime(atMs)} ${name}`,
    ...(health.ready ? [] : [health.status]),
    `hits ${percent(requests)} of requests, ${percent(bytes)} of bytes`,
    `${speed(traffic.toClientsBytesPerSecond)} to clients`,
    `${speed(traffic.fromUpstreamBytesPerSecond)} from upstream`,
    `${count(traffic.requestsPerSecond)} requests/s`,
    `${fills.length} ${fills.length === 1 ? 'fill' : 'fills'}`,
    `${up} of ${upstreams.length} upstreams up`,
    `store ${storeShare(store)}`,
    ...problems,
  ];
  return printable(facts.join('; '));
}
