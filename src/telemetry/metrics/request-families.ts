import type { Outcome, Resource } from '../event.ts';
import { Buckets } from './buckets.ts';
import { type Family, family, type Sample } from './family.ts';
import { REQUEST_SECONDS, type RequestCell } from './request-cells.ts';
import { WAIT_SECONDS } from './upstream-answers.ts';

/** Requests, their bytes and how long they took: by what was asked for, what became of it, and namespace. */
export function requestFamilies(cells: Iterable<RequestCell>): readonly Family[] {
  const requests: Sample[] = [];
  const bytes: Sample[] = [];
  const seconds: Sample[] = [];
  const waits: Sample[] = [];
  for (const { labels, of } of alike(cells).values()) {
    const taken = new Buckets(REQUEST_SECONDS);
    const waited = new Buckets(WAIT_SECONDS);
    for (const cell of of) {
      taken.addAll(cell.seconds);
      waited.addAll(cell.waitSeconds);
    }
    requests.push({ labels, value: taken.count });
    bytes.push({ labels, value: of.reduce((sum, cell) => sum + cell.answerBytes.sum, 0) });
    if (taken.count > 0) seconds.push(...taken.samples(DURATION, labels));
    const { resource, namespace } = labels;
    if (waited.count > 0) waits.push(...waited.samples(WAIT, { resource, namespace }));
  }
  return [
    family('counter', 'regcache_requests_total', 'Requests of clients whose answer has ended.', requests),
    family(
      'counter',
      'regcache_answer_bytes_total',
      'Bytes of the bodies of answers that have ended; regcache_sent_bytes_total has those of running ones too.',
      bytes,
    ),
    family('histogram', DURATION, 'Time from a request to the end of its answer.', seconds),
    family(
      'histogram',
      WAIT,
      'Time that a client’s request waited for the next hop; those that did not wait are not counted.',
      waits,
    ),
  ];
}

const DURATION = 'regcache_request_duration_seconds';
const WAIT = 'regcache_request_upstream_wait_seconds';

interface Alike {
  readonly labels: {
    readonly resource: Resource | '';
    readonly outcome: Outcome | '';
    readonly namespace: string;
  };
  readonly of: RequestCell[];
}

/** Cells that differ in nothing that is told here. */
function alike(cells: Iterable<RequestCell>): ReadonlyMap<string, Alike> {
  const groups = new Map<string, Alike>();
  for (const cell of cells) {
    const { resource = '', outcome = '', namespace } = cell;
    const key = [resource, outcome, namespace].join(' ');
    const group = groups.get(key) ?? { labels: { resource, outcome, namespace }, of: [] };
    group.of.push(cell);
    groups.set(key, group);
  }
  return groups;
}
