import type { Resource } from '../event.ts';
import { type Family, family, type Sample } from './family.ts';
import { DISTRIBUTION_SECONDS, type RequestCell } from './request-cells.ts';

/** Distribution's names of its routes; what it has no route for has ours. */
const HANDLERS = {
  manifest: 'manifest',
  blob: 'blob',
  tags: 'tags',
  catalog: 'catalog',
  referrers: 'referrers',
  ping: 'base',
} as const satisfies Record<Resource, string>;

/** Bytes that hops have sent, by what Distribution calls the type. */
export interface PulledBytes {
  readonly blob: number;
  readonly manifest: number;
}

/**
 * The metrics that Distribution has as a pull-through cache, by the same names and labels, so that its dashboards go on.
 * A read counts as a hit by this cache's own, stricter rule, and as a miss wherever it is none.
 */
export function distributionFamilies(
  cells: readonly RequestCell[],
  pulled: PulledBytes,
  openRequests: number,
): readonly Family[] {
  return [...proxyFamilies(cells, pulled), ...httpFamilies(cells), inFlight(openRequests)];
}

function proxyFamilies(cells: readonly RequestCell[], pulled: PulledBytes): readonly Family[] {
  const reads = cells.flatMap(({ resource: type, outcome, seconds: { count }, answerBytes: { sum } }) =>
    outcome !== undefined && (type === 'blob' || type === 'manifest')
      ? [{ labels: { type }, outcome, count, sum }]
      : [],
  );
  const hits = reads.filter(({ outcome }) => outcome === 'hit');
  const misses = reads.filter(({ outcome }) => outcome !== 'hit');
  const counts = (of: typeof reads): Sample[] => of.map(({ labels, count }) => ({ labels, value: count }));
  return [
    family('counter', 'registry_proxy_requests_total', 'Reads of manifests and blobs.', counts(reads)),
    family('counter', 'registry_proxy_hits_total', 'Reads answered from the store.', counts(hits)),
    family('counter', 'registry_proxy_misses_total', 'Reads that were no hits.', counts(misses)),
    family('counter', 'registry_proxy_pulled_bytes_total', 'Bytes fetched from upstream.', [
      { labels: { type: 'blob' }, value: pulled.blob },
      { labels: { type: 'manifest' }, value: pulled.manifest },
    ]),
    family(
      'counter',
      'registry_proxy_pushed_bytes_total',
      'Bytes sent to clients.',
      reads.map(({ labels, sum }) => ({ labels, value: sum })),
    ),
  ];
}

function httpFamilies(cells: readonly RequestCell[]): readonly Family[] {
  const routed = cells
    .filter(({ seconds }) => seconds.count > 0)
    .map((cell) => ({ ...cell, handler: cell.resource === undefined ? 'other' : HANDLERS[cell.resource] }));
  return [
    family(
      'counter',
      'registry_http_requests_total',
      'HTTP requests.',
      routed.map(({ code, handler, method, seconds }) => ({
        labels: { code, handler, method },
        value: seconds.count,
      })),
    ),
    family(
      'histogram',
      SECONDS,
      'Duration of HTTP requests.',
      routed.flatMap(({ handler, method, seconds }) =>
        seconds.samples(SECONDS, { handler, method }, DISTRIBUTION_SECONDS),
      ),
    ),
    family(
      'histogram',
      REQUEST_SIZE,
      'Size of HTTP requests: request line and user agent.',
      routed.flatMap(({ handler, requestBytes }) => requestBytes.samples(REQUEST_SIZE, { handler })),
    ),
    family(
      'histogram',
      RESPONSE_SIZE,
      'Size of the bodies of HTTP responses.',
      routed.flatMap(({ handler, answerBytes }) => answerBytes.samples(RESPONSE_SIZE, { handler })),
    ),
  ];
}

const SECONDS = 'registry_http_request_duration_seconds';
const REQUEST_SIZE = 'registry_http_request_size_bytes';
const RESPONSE_SIZE = 'registry_http_response_size_bytes';

/** Which routes they are on is known only when they end. */
function inFlight(openRequests: number): Family {
  const sample = { labels: { handler: 'all' }, value: openRequests };
  return family('gauge', 'registry_http_in_flight_requests', 'HTTP requests that are running.', [sample]);
}
