import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import type { RequestEvent } from '../telemetry/event.ts';
import { DayCounter } from './day-counter.ts';
import { Statistics } from './statistics.ts';

function request(more: Partial<RequestEvent> = {}): RequestEvent {
  return {
    kind: 'request',
    id: 'r1',
    method: 'GET',
    target: '/v2/lib/app/manifests/v1',
    status: 200,
    resource: 'manifest',
    outcome: 'hit',
    missReason: undefined,
    namespace: 'docker.io',
    repository: 'lib/app',
    reference: 'v1',
    bytesSent: 100,
    durationMs: 1,
    upstreamMs: undefined,
    client: '127.0.0.1',
    userAgent: undefined,
    complete: true,
    ...more,
  };
}

/** Collects garbage, all of it. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

function start(): { clock: ManualClock; statistics: Statistics } {
  const clock = new ManualClock();
  const days = new DayCounter({ count: () => undefined, days: () => Promise.resolve([]) }, clock);
  return { clock, statistics: new Statistics(clock, days) };
}

describe('the hit rate', () => {
  test('counts reads of manifests and blobs by their outcome, and nothing else', () => {
    const { statistics } = start();
    const outcomes = [
      'hit',
      'hit',
      'prefetched',
      'joined',
      'miss',
      'revalidated',
      'stale',
      'bypass',
    ] as const;
    for (const outcome of outcomes) statistics.observe(request({ outcome, resource: 'blob' }));
    statistics.observe(request({ resource: 'tags', outcome: 'miss' }));
    statistics.observe(request({ resource: 'ping', outcome: undefined }));
    statistics.observe(request({ status: 400, resource: undefined, outcome: undefined }));
    expect(statistics.traffic.total).toMatchObject({
      reads: 8,
      outcomes: { hit: 2, prefetched: 1, joined: 1, miss: 1, revalidated: 1, stale: 1, bypass: 1 },
    });
    expect(statistics.traffic.requestsPerSecond).toBe(11);
  });

  test('is told of now, of the last minutes and since the start', async () => {
    const { clock, statistics } = start();
    statistics.observe(request());
    statistics.observe({ kind: 'sent', namespace: 'docker.io', bytes: 1_000 });
    statistics.observe({
      kind: 'received',
      namespace: 'docker.io',
      upstream: 'asia:5000',
      lane: 'blob',
      bytes: 250,
    });
    expect(statistics.traffic).toMatchObject({
      toClientsBytesPerSecond: 1_000,
      fromUpstreamBytesPerSecond: 250,
    });
    await clock.advance(10_000);
    expect(statistics.traffic).toMatchObject({
      now: { reads: 0 },
      fiveMinutes: { reads: 1, toClientsBytes: 1_000, fromUpstreamBytes: 250 },
      toClientsBytesPerSecond: 0,
    });
    await clock.advance(300_000);
    expect(statistics.traffic).toMatchObject({ fiveMinutes: { reads: 0 }, hour: { reads: 1 } });
    await clock.advance(3_600_000);
    expect(statistics.traffic).toMatchObject({ hour: { reads: 0 }, total: { reads: 1 } });
    expect(statistics.traffic.history).toHaveLength(360);
  });
});

test('repositories are told with their hits, the busiest first, by namespace', () => {
  const { statistics } = start();
  statistics.observe(request({ outcome: 'miss' }));
  statistics.observe(request({ repository: 'lib/busy' }));
  statistics.observe(request({ repository: 'lib/busy', outcome: 'miss' }));
  statistics.observe(request({ namespace: 'ghcr.io' }));
  expect(statistics.repositories).toMatchObject([
    { repository: 'docker.io/lib/busy', reads: 2, hits: 1, toClientsBytes: 200 },
    { repository: 'ghcr.io/lib/app', reads: 1, hits: 1 },
    { repository: 'docker.io/lib/app', reads: 1, hits: 0 },
  ]);
});

test('the last hundred reads are told, the newest first, with the reason of a miss', () => {
  const { statistics } = start();
  for (let at = 0; at < 250; at += 1) statistics.observe(request({ reference: `v${at}` }));
  statistics.observe(request({ reference: 'last', outcome: 'miss', missReason: 'expired' }));
  expect(statistics.pulls).toHaveLength(100);
  expect(statistics.pulls[0]).toMatchObject({
    repository: 'docker.io/lib/app',
    reference: 'last',
    outcome: 'miss',
    missReason: 'expired',
  });
  expect(statistics.pulls[99]?.reference).toBe('v151');
});

test('a million requests for a hundred thousand repositories leave its memory as it was', () => {
  const { statistics } = start();
  const observe = (count: number): void => {
    for (let at = 0; at < count; at += 1)
      statistics.observe(request({ repository: `lib/app-${at % 100_000}` }));
  };
  observe(20_000);
  collect();
  const beforeBytes = process.memoryUsage().heapUsed;
  observe(1_000_000);
  collect();
  expect(statistics.traffic.total.reads).toBe(1_020_000);
  expect(statistics.repositories).toHaveLength(100);
  expect(process.memoryUsage().heapUsed - beforeBytes).toBeLessThan(2 * 1024 * 1024);
});
