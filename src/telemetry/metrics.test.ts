import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { readScrape, type Scraped } from '../../fixtures/scraped.ts';
import { DIGEST, HOP, makeMetrics, NAMESPACE, REQUEST, scrapeAfter } from '../../fixtures/test-metrics.ts';
import type { Outcome, RequestEvent, TelemetryEvent } from './event.ts';

describe('requests', () => {
  it('are counted by what was asked for, what became of it, and namespace', async () => {
    const { value } = await scrapeAfter([
      REQUEST,
      { ...REQUEST, method: 'HEAD', bytesSent: 0 },
      { ...REQUEST, resource: 'blob', outcome: 'miss', missReason: 'new', bytesSent: 5000, status: 206 },
      { ...REQUEST, resource: 'ping', outcome: undefined, namespace: undefined, bytesSent: 2 },
    ]);
    const hits = { resource: 'manifest', outcome: 'hit', namespace: NAMESPACE };
    expect(value('regcache_requests_total', hits)).toBe(2);
    expect(value('regcache_answer_bytes_total', hits)).toBe(1000);
    expect(value('regcache_requests_total', { resource: 'ping', outcome: '', namespace: '' })).toBe(1);
    expect(value('regcache_requests_total')).toBe(4);
    expect(value('regcache_answer_bytes_total')).toBe(6002);
    expect(value('regcache_misses_total', { resource: 'blob', reason: 'new', namespace: NAMESPACE })).toBe(1);
    expect(value('regcache_misses_total')).toBe(1);
  });

  it('have durations in a histogram, and the time that they waited for the next hop in another', async () => {
    const { value } = await scrapeAfter([
      { ...REQUEST, durationMs: 0.4 },
      { ...REQUEST, durationMs: 30 },
      { ...REQUEST, outcome: 'revalidated', durationMs: 200, upstreamMs: 180 },
      { ...REQUEST, resource: 'blob', outcome: 'miss', durationMs: 2_000_000, upstreamMs: 90 },
    ]);
    const name = 'regcache_request_duration_seconds';
    const hits = { resource: 'manifest', outcome: 'hit', namespace: NAMESPACE };
    expect(value(`${name}_bucket`, { ...hits, le: '0.0005' })).toBe(1);
    expect(value(`${name}_bucket`, { ...hits, le: '0.025' })).toBe(1);
    expect(value(`${name}_bucket`, { ...hits, le: '0.05' })).toBe(2);
    expect(value(`${name}_sum`, hits)).toBeCloseTo(0.0304);
    expect(value(`${name}_bucket`, { outcome: 'miss', le: '1800' })).toBe(0);
    expect(value(`${name}_bucket`, { outcome: 'miss', le: '+Inf' })).toBe(1);
    expect(value(`${name}_count`)).toBe(4);
    expect(value('regcache_request_upstream_wait_seconds_count', { resource: 'manifest' })).toBe(1);
    expect(value('regcache_request_upstream_wait_seconds_bucket', { resource: 'blob', le: '0.1' })).toBe(1);
    expect(value('regcache_request_upstream_wait_seconds_sum')).toBeCloseTo(0.27);
  });

  it('that ended short are counted', async () => {
    const { value } = await scrapeAfter([REQUEST, { ...REQUEST, resource: 'blob', complete: false }]);
    expect(value('regcache_incomplete_answers_total')).toBe(1);
    expect(value('regcache_incomplete_answers_total', { resource: 'blob', namespace: NAMESPACE })).toBe(1);
  });

  it('give the hit rate by requests exactly: of all reads with an outcome, the hits alone', async () => {
    const outcomes: readonly (readonly [Outcome | undefined, number])[] = [
      ['hit', 6200],
      ['prefetched', 1300],
      ['joined', 700],
      ['miss', 1100],
      ['revalidated', 500],
      ['stale', 150],
      ['bypass', 50],
      [undefined, 77],
    ];
    const reads = outcomes.flatMap(([outcome, count]) =>
      Array.from({ length: count }, (_, at): RequestEvent => {
        const resource = at % 3 === 0 ? 'manifest' : 'blob';
        return { ...REQUEST, outcome, resource, status: at % 5 === 0 ? 206 : 200, durationMs: at % 90 };
      }),
    );
    const lists = (['tags', 'referrers', 'catalog', 'ping'] as const).map((resource): RequestEvent => ({
      ...REQUEST,
      resource,
    }));
    const { samples, value } = await scrapeAfter([...reads, ...lists]);
    const all = samples.filter(
      ({ name, labels: { resource, outcome } }) =>
        name === 'regcache_requests_total' &&
        outcome !== '' &&
        (resource === 'manifest' || resource === 'blob'),
    );
    const sum = (of: typeof all): number => of.reduce((total, sample) => total + sample.value, 0);
    expect(sum(all)).toBe(10_000);
    expect(sum(all.filter(({ labels }) => labels['outcome'] === 'hit'))).toBe(6200);
    expect(value('registry_proxy_requests_total')).toBe(10_000);
    expect(value('registry_proxy_hits_total')).toBe(6200);
    expect(value('registry_proxy_misses_total')).toBe(3800);
  });
});

describe('Distribution’s names', () => {
  it('tell reads and their bytes by type', async () => {
    const { value } = await scrapeAfter([
      REQUEST,
      { ...REQUEST, resource: 'blob', outcome: 'miss', bytesSent: 7 },
      { kind: 'received', namespace: NAMESPACE, upstream: HOP, lane: 'blob', bytes: 70 },
      { kind: 'received', namespace: NAMESPACE, upstream: HOP, lane: 'talk', bytes: 4 },
    ]);
    const told = (name: string, type: string): number | undefined =>
      value(`registry_proxy_${name}_total`, { type });
    expect(
      ['requests', 'hits', 'misses', 'pulled_bytes', 'pushed_bytes'].map((n) => told(n, 'blob')),
    ).toEqual([1, 0, 1, 70, 7]);
    expect(
      ['requests', 'hits', 'misses', 'pulled_bytes', 'pushed_bytes'].map((n) => told(n, 'manifest')),
    ).toEqual([1, 1, 0, 4, 1000]);
  });

  it('tell requests by code, route and method, with its histograms’ bounds', async () => {
    const { value, samples } = await scrapeAfter(
      [
        REQUEST,
        { ...REQUEST, method: 'HEAD', resource: 'blob', bytesSent: 0 },
        { ...REQUEST, resource: 'ping', outcome: undefined, bytesSent: 2 },
        { ...REQUEST, method: 'POST', resource: undefined, outcome: undefined, status: 405 },
        { ...REQUEST, resource: 'blob', bytesSent: 5000, durationMs: 70_000 },
      ],
      { openRequests: () => 4 },
    );
    const requests = (labels: Record<string, string>): number | undefined =>
      value('registry_http_requests_total', labels);
    expect(requests({ code: '200', handler: 'manifest', method: 'get' })).toBe(1);
    expect(requests({ code: '200', handler: 'blob', method: 'head' })).toBe(1);
    expect(requests({ code: '200', handler: 'base', method: 'get' })).toBe(1);
    expect(requests({ code: '405', handler: 'other', method: 'post' })).toBe(1);
    const blob = { handler: 'blob', method: 'get' };
    expect(value('registry_http_request_duration_seconds_bucket', { ...blob, le: '60' })).toBe(0);
    expect(value('registry_http_request_duration_seconds_count', blob)).toBe(1);
    const bounds = samples.filter(
      ({ name, labels }) =>
        name === 'registry_http_request_duration_seconds_bucket' && labels['handler'] === 'manifest',
    );
    expect(bounds.map(({ labels }) => labels['le'])).toEqual(
      '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 25 60 +Inf'.split(' '),
    );
    expect(value('registry_http_response_size_bytes_bucket', { handler: 'blob', le: '4096' })).toBe(1);
    expect(value('registry_http_response_size_bytes_bucket', { handler: 'blob', le: '8192' })).toBe(2);
    expect(value('registry_http_response_size_bytes_sum')).toBe(7002);
    expect(value('registry_http_request_size_bytes_count', { handler: 'blob' })).toBe(2);
    expect(value('registry_http_in_flight_requests')).toBe(4);
  });
});

describe('labels', () => {
  it('are bounded: what is not configured, nor known to HTTP, is told as nothing or as other', async () => {
    const odd = Array.from({ length: 500 }, (_, at): TelemetryEvent[] => [
      { ...REQUEST, namespace: `n${at}`, method: `M${at}`, status: 600 + at },
      { kind: 'sent', namespace: `n${at}`, bytes: 1 },
      { kind: 'received', namespace: `n${at}`, upstream: `u${at}`, lane: 'talk', bytes: 1 },
      { kind: 'fill-failed', digest: DIGEST, upstream: `u${at}`, offsetBytes: 0, reason: 'r' },
      { kind: 'store-write-failed', digest: DIGEST, code: `E${at}`, reason: 'r' },
    ]).flat();
    const { samples, value } = await scrapeAfter(odd);
    expect(samples.length).toBeLessThan(500);
    expect(value('regcache_requests_total', { namespace: '' })).toBe(500);
    expect(value('registry_http_requests_total', { code: 'other', method: 'other' })).toBe(500);
    expect(value('regcache_sent_bytes_total', { namespace: '' })).toBe(500);
    expect(value('regcache_received_bytes_total', { namespace: '', upstream: '' })).toBe(500);
    expect(value('regcache_fills_failed_total', { upstream: '' })).toBe(500);
    expect(value('regcache_store_write_failures_total', { code: 'other' })).toBe(500);
  });

  it('know a hop that a reload brings', async () => {
    using metrics = makeMetrics();
    metrics.learn({ namespaces: [NAMESPACE], upstreams: ['china:5000'] });
    metrics.observe({ kind: 'hop-down', upstream: 'china:5000', reason: 'r', hint: undefined });
    const { value } = readScrape(await metrics.text());
    expect(value('regcache_upstream_downs_total', { upstream: 'china:5000' })).toBe(1);
    expect(value('regcache_upstream_downs_total', { upstream: HOP })).toBe(0);
  });

  it('are there with 0 before anything happens, so that the first event is seen as growth', async () => {
    const { value } = await scrapeAfter([]);
    for (const outcome of ['hit', 'prefetched', 'joined', 'miss', 'revalidated', 'stale', 'bypass']) {
      expect(value('regcache_requests_total', { resource: 'blob', outcome, namespace: NAMESPACE })).toBe(0);
    }
    expect(value('regcache_misses_total', { resource: 'manifest', reason: 'changed' })).toBe(0);
    expect(value('regcache_digest_mismatches_total', { upstream: HOP })).toBe(0);
    expect(value('regcache_evictions_total', { reason: 'ttl' })).toBe(0);
    expect(value('registry_proxy_hits_total', { type: 'manifest' })).toBe(0);
  });
});

describe('a million requests', () => {
  it('leave as many numbers behind as ten, and do not fill the memory', async () => {
    using metrics = makeMetrics();
    const feed = (count: number): void => {
      for (let at = 0; at < count; at += 1) {
        const resource = at % 2 === 0 ? 'blob' : 'manifest';
        metrics.observe({ ...REQUEST, id: `r${at}`, repository: `lib/${at}`, resource, durationMs: at % 50 });
        metrics.observe({ kind: 'sent', namespace: NAMESPACE, bytes: 10 });
      }
    };
    feed(10_000);
    const few = readScrape(await metrics.text());
    const before = usedBytes();
    feed(1_000_000);
    const many = readScrape(await metrics.text());
    expect(many.value('regcache_requests_total')).toBe(1_010_000);
    expect(ownSamples(many)).toBe(ownSamples(few));
    expect(usedBytes() - before).toBeLessThan(2 * 1024 * 1024);
  });
});

function ownSamples({ samples }: Scraped): number {
  return samples.filter(({ name }) => /^reg(cache|istry)_/.test(name)).length;
}

/** What the heap holds after everything is thrown away that nobody needs. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') Reflect.apply(collect, undefined, []);
  return process.memoryUsage().heapUsed;
}
