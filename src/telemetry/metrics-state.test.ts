import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { readScrape } from '../../fixtures/scraped.ts';
import {
  DIGEST,
  FACTS,
  HOP,
  makeMetrics,
  NAMESPACE,
  REQUEST,
  scrapeAfter,
} from '../../fixtures/test-metrics.ts';
import type { TelemetryEvent } from './event.ts';

describe('traffic', () => {
  it('is counted while it passes, in both directions', async () => {
    const { value } = await scrapeAfter([
      { kind: 'sent', namespace: NAMESPACE, bytes: 1_000_000 },
      { kind: 'sent', namespace: NAMESPACE, bytes: 24 },
      { kind: 'received', namespace: NAMESPACE, upstream: HOP, lane: 'blob', bytes: 500 },
      { kind: 'received', namespace: NAMESPACE, upstream: HOP, lane: 'talk', bytes: 5 },
      { kind: 'received', namespace: NAMESPACE, upstream: HOP, lane: 'blob', bytes: 20 },
    ]);
    expect(value('regcache_sent_bytes_total', { namespace: NAMESPACE })).toBe(1_000_024);
    const from = { namespace: NAMESPACE, upstream: HOP };
    expect(value('regcache_received_bytes_total', { ...from, lane: 'blob' })).toBe(520);
    expect(value('regcache_received_bytes_total', from)).toBe(525);
  });
});

describe('hops', () => {
  it('have their answers counted by what came of them, with the time that they took', async () => {
    const answer = { kind: 'upstream-answer', namespace: NAMESPACE, upstream: HOP, via: undefined } as const;
    const failure = { upstream: HOP, reason: 'r', hint: undefined } as const;
    const { value } = await scrapeAfter([
      { ...answer, lane: 'talk', result: 'answered', waitMs: 80 },
      { ...answer, lane: 'talk', result: 'answered', waitMs: 120 },
      { ...answer, lane: 'blob', result: 'timeout', waitMs: 25_000 },
      { kind: 'hop-failed', ...failure, next: 'origin' },
      { kind: 'hop-down', ...failure },
      { kind: 'upstream-failed', ...failure, request: 'x' },
    ]);
    const hop = { namespace: NAMESPACE, upstream: HOP };
    expect(value('regcache_upstream_answers_total', { ...hop, lane: 'talk', result: 'answered' })).toBe(2);
    expect(value('regcache_upstream_answers_total', { ...hop, lane: 'blob', result: 'timeout' })).toBe(1);
    expect(value('regcache_upstream_wait_seconds_bucket', { lane: 'talk', le: '0.1' })).toBe(1);
    expect(value('regcache_upstream_wait_seconds_sum', { lane: 'talk' })).toBeCloseTo(0.2);
    expect(value('regcache_upstream_passed_over_total', { upstream: HOP })).toBe(1);
    expect(value('regcache_upstream_downs_total', { upstream: HOP })).toBe(1);
    expect(value('regcache_upstream_unanswered_total', { upstream: HOP })).toBe(1);
  });

  it('are up, down or paused as the daemon finds them at each scrape', async () => {
    const one = { namespace: NAMESPACE, role: 'hop' } as const;
    const states = [
      { ...one, name: 'a', state: 'up' },
      { ...one, name: 'b', state: 'down' },
      { ...one, name: 'c', state: 'paused' },
    ] as const;
    let upstreams: typeof FACTS.upstreams = states;
    using metrics = makeMetrics({ facts: () => Promise.resolve({ ...FACTS, upstreams }) });
    const first = readScrape(await metrics.text());
    const told = ['a', 'b', 'c'].map((upstream) => [
      first.value('regcache_upstream_up', { upstream, ...one }),
      first.value('regcache_upstream_paused', { upstream, ...one }),
    ]);
    expect(told).toEqual([
      [1, 0],
      [0, 0],
      [1, 1],
    ]);
    upstreams = [];
    expect(readScrape(await metrics.text()).value('regcache_upstream_up')).toBeUndefined();
  });
});

describe('fills', () => {
  it('are counted from their start to their end, with what goes wrong', async () => {
    const fill = { digest: DIGEST, upstream: HOP };
    const { value } = await scrapeAfter([
      { kind: 'fill-started', ...fill, repository: `${NAMESPACE}/a`, sizeBytes: 3 },
      { kind: 'fill-started', ...fill, repository: `${NAMESPACE}/a`, sizeBytes: 3 },
      { kind: 'fill-resumed', ...fill, offsetBytes: 2, reason: 'r' },
      { kind: 'fill-finished', ...fill, sizeBytes: 3, durationMs: 700, connections: 1 },
      { kind: 'fill-failed', ...fill, offsetBytes: 1, reason: 'r' },
      { kind: 'digest-mismatch', wanted: DIGEST, got: DIGEST, upstream: `${HOP}, ${HOP}` },
    ]);
    const names = ['fills_started', 'fills_finished', 'fills_failed', 'fill_resumes', 'digest_mismatches'];
    expect(names.map((name) => value(`regcache_${name}_total`, { upstream: HOP }))).toEqual([2, 1, 1, 1, 2]);
    expect(value('regcache_fill_duration_seconds_bucket', { le: '0.5' })).toBe(0);
    expect(value('regcache_fill_duration_seconds_bucket', { le: '1' })).toBe(1);
  });

  it('that run are told at each scrape, with who reads them', async () => {
    const fills = [
      { repository: `${NAMESPACE}/lib/a`, followers: 3, ahead: false },
      { repository: `${NAMESPACE}/lib/a`, followers: 2, ahead: false },
      { repository: `${NAMESPACE}/lib/b`, followers: 0, ahead: true },
      { repository: 'elsewhere/lib/b', followers: 1, ahead: false },
    ];
    const { value } = await scrapeAfter([], { facts: () => Promise.resolve({ ...FACTS, fills }) });
    expect(value('regcache_running_fills', { namespace: NAMESPACE, ahead: 'false' })).toBe(2);
    expect(value('regcache_running_fills', { namespace: NAMESPACE, ahead: 'true' })).toBe(1);
    expect(value('regcache_running_fills', { namespace: '' })).toBe(1);
    expect(value('regcache_fill_followers', { namespace: NAMESPACE })).toBe(5);
  });
});

describe('the store', () => {
  const store = async (facts: Partial<typeof FACTS.store>): Promise<(name: string) => number | undefined> => {
    const all = { ...FACTS, store: { ...FACTS.store, ...facts } };
    const { value } = await scrapeAfter([], { facts: () => Promise.resolve(all) });
    return (name) => value(`regcache_store_${name}`);
  };

  it('is told as it is', async () => {
    const told = await store({ quotaBytes: 500, ttlMs: 86_400_000, failure: 'ENOSPC' });
    const names = ['blobs', 'bytes', 'quota_bytes', 'ttl_seconds'];
    expect(names.map(told)).toEqual([3, 300, 500, 86_400]);
    const disk = ['filesystem_size_bytes', 'filesystem_free_bytes', 'writable'];
    expect(disk.map(told)).toEqual([1000, 400, 0]);
  });

  it('has 0 for no quota and no TTL', async () => {
    const told = await store({});
    expect(['quota_bytes', 'ttl_seconds', 'writable'].map(told)).toEqual([0, 0, 1]);
  });

  it('has what left it counted, and what it would not take', async () => {
    const { value } = await scrapeAfter([
      { kind: 'swept', reason: 'ttl', digest: DIGEST, sizeBytes: 30, repositories: 1 },
      { kind: 'swept', reason: 'ttl', digest: DIGEST, sizeBytes: 12, repositories: 2 },
      { kind: 'sweep-failed', reason: 'r' },
      { kind: 'store-write-failed', digest: DIGEST, code: 'EROFS', reason: 'r' },
    ]);
    expect(value('regcache_evictions_total', { reason: 'ttl' })).toBe(2);
    expect(value('regcache_evicted_bytes_total', { reason: 'ttl' })).toBe(42);
    expect(value('regcache_sweep_failures_total')).toBe(1);
    expect(value('regcache_store_write_failures_total', { code: 'EROFS' })).toBe(1);
  });

  it('that cannot be looked up costs its own figures and no others', async () => {
    const facts = (): Promise<never> => Promise.reject(new Error('the index is gone'));
    const { value } = await scrapeAfter([REQUEST], { facts });
    expect(value('regcache_facts_ok')).toBe(0);
    expect(value('regcache_store_bytes')).toBeUndefined();
    expect(value('regcache_requests_total')).toBe(1);
  });
});

describe('stale tags', () => {
  const STALE: TelemetryEvent = { ...REQUEST, outcome: 'stale' };

  it.each<[string, readonly TelemetryEvent[], number]>([
    ['counts each tag once', [STALE, STALE, { ...STALE, reference: 'v2' }], 2],
    ['keeps repositories apart', [STALE, { ...STALE, repository: 'lib/b' }], 2],
    ['forgets what was validated', [STALE, { ...REQUEST, outcome: 'revalidated' }], 0],
    ['forgets what has changed', [STALE, { ...REQUEST, outcome: 'miss', missReason: 'changed' }], 0],
    ['forgets what the origin refuses', [STALE, { ...REQUEST, outcome: 'miss', missReason: 'refused' }], 0],
    ['forgets what is stale no longer', [STALE, { ...REQUEST, outcome: 'miss', missReason: 'failed' }], 0],
    ['keeps what got no answer', [STALE, { ...REQUEST, outcome: undefined }], 1],
    ['is not moved by others', [STALE, { ...REQUEST, outcome: 'revalidated', reference: 'v2' }], 1],
    ['is not moved by a blob', [STALE, { ...REQUEST, resource: 'blob' }], 1],
  ])('%s', async (_name, events, count) => {
    const { value } = await scrapeAfter(events);
    expect(value('regcache_stale_tags', { namespace: NAMESPACE })).toBe(count);
  });

  it('are not remembered without end', async () => {
    const many = Array.from({ length: 12_000 }, (_, at) => ({ ...STALE, reference: `v${at}` }));
    const { value } = await scrapeAfter(many);
    expect(value('regcache_stale_tags')).toBe(10_000);
  });
});

describe('the daemon', () => {
  it('tells its version, its last reload and its own faults', async () => {
    const failed: TelemetryEvent = { kind: 'reload-failed', message: 'm' };
    const { value } = await scrapeAfter([
      failed,
      { kind: 'internal-error', request: 'r', reason: 'r', stack: 's' },
    ]);
    expect(value('regcache_build_info', { version: '1.2.3', node: process.version })).toBe(1);
    expect(value('regcache_config_last_reload_successful')).toBe(0);
    expect(value('regcache_internal_errors_total')).toBe(1);
    const mended = await scrapeAfter([failed, { kind: 'reloaded', changed: [], unchanged: [] }]);
    expect(mended.value('regcache_config_last_reload_successful')).toBe(1);
  });

  it('tells when the certificates of each file end: the first of them', async () => {
    const certificates = () =>
      [
        { role: 'server', file: 'asia.pem', expiresAtMs: 1_800_000_000_000 },
        { role: 'ca', file: 'ca.pem', expiresAtMs: 1_900_000_000_000 },
        { role: 'ca', file: 'ca.pem', expiresAtMs: 1_700_000_000_000 },
      ] as const;
    const { value } = await scrapeAfter([], { certificates });
    const name = 'regcache_certificate_expiry_timestamp_seconds';
    expect(value(name, { role: 'server', file: 'asia.pem' })).toBe(1_800_000_000);
    expect(value(name, { role: 'ca', file: 'ca.pem' })).toBe(1_700_000_000);
  });

  it('tells how late its event loop was, the same to all who ask at about the same time', async () => {
    const clock = new ManualClock();
    using metrics = makeMetrics({ clock });
    const worst = async (): Promise<number> =>
      readScrape(await metrics.text()).value('regcache_event_loop_delay_seconds', {
        worker: 'main',
        stat: 'max',
      }) ?? 0;
    const later = async (): Promise<number> => {
      await clock.advance(5000);
      return await worst();
    };
    await expect.poll(later).toBeGreaterThan(0);
    // A look begins a new series of samples, and the first of them only marks the time.
    const lookedMs = performance.now();
    await expect.poll(() => performance.now() - lookedMs).toBeGreaterThan(100);
    const until = performance.now() + 300;
    while (performance.now() < until);
    await expect.poll(later).toBeGreaterThan(0.2);
    expect(await worst()).toBeGreaterThan(0.2);
    await expect.poll(later).toBeLessThan(0.2);
  });

  it('shares nothing with another one in the same process', async () => {
    using other = makeMetrics();
    const { value } = await scrapeAfter([REQUEST]);
    expect(value('regcache_requests_total')).toBe(1);
    expect(readScrape(await other.text()).value('regcache_requests_total')).toBe(0);
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  it('tells what every process tells, by the usual names', async () => {
    const { types } = await scrapeAfter([]);
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect([name, types.has(name)]).toEqual([name, true]);
    }
  });
});
