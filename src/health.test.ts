import { describe, expect, it } from 'vitest';
import { Health } from './health.ts';
import { parseDigest } from './oci/digest.ts';
import type { TelemetryEvent } from './telemetry/event.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const LISTENING: TelemetryEvent = { kind: 'listening', role: 'registry', url: 'http://127.0.0.1:5000' };
const WRITE_FAILED: TelemetryEvent = {
  kind: 'store-write-failed',
  code: 'ENOSPC',
  digest,
  reason: 'no space left',
};
const FINISHED: TelemetryEvent = {
  kind: 'fill-finished',
  digest,
  upstream: 'u',
  sizeBytes: 1,
  durationMs: 1,
  connections: 1,
};
const CHECK_FAILED: TelemetryEvent = { kind: 'check-failed', check: '/away', reason: 'file exists' };

const down = (upstream: string): TelemetryEvent => ({
  kind: 'hop-down',
  upstream,
  reason: 'connection refused',
  hint: undefined,
});

/** Health of a cache of two namespaces, after these events. */
function healthAfter(...events: readonly TelemetryEvent[]): Health {
  const health = new Health(
    () =>
      new Map([
        ['docker.io', ['asia:5000', 'hub:443']],
        ['quay.io', ['quay.io']],
      ]),
  );
  for (const event of events) health.observe(event);
  return health;
}

describe('Distribution’s report', () => {
  it.each<[string, TelemetryEvent]>([
    ['a blob', FINISHED],
    ['a manifest', { kind: 'store-written', digest }],
  ])('names the store from a failed write to the next one that works: %s', (_name, works) => {
    const health = healthAfter();
    expect(health.report()).toEqual({});
    health.observe(WRITE_FAILED);
    health.observe({ kind: 'stopped' });
    expect(health.report()).toEqual({ storagedriver: 'no space left' });
    expect(health.storeFailure).toBe('no space left');
    health.observe(works);
    expect(health.report()).toEqual({});
    expect(health.storeFailure).toBeUndefined();
  });

  it('names each failing check, and no hop', () => {
    const health = healthAfter(CHECK_FAILED, down('quay.io'));
    expect(health.report()).toEqual({ '/away': 'file exists' });
    health.observe({ kind: 'check-passed', check: '/away' });
    expect(health.report()).toEqual({});
  });
});

describe('readiness', () => {
  it('begins when the registry listens, and ends for good when it drains', () => {
    const health = healthAfter({ kind: 'listening', role: 'debug', url: 'http://127.0.0.1:5001' });
    expect(health.readiness().status).toBe('starting');
    health.observe(LISTENING);
    expect(health.readiness()).toEqual({ status: 'ready', problems: {} });
    health.drain();
    health.observe(LISTENING);
    expect(health.readiness().status).toBe('draining');
  });

  it('goes on with a store that takes nothing: pulls are streamed through', () => {
    expect(healthAfter(LISTENING, WRITE_FAILED).readiness()).toEqual({
      status: 'ready',
      problems: { store: 'no space left' },
    });
  });

  it('goes on with hops down, and names the namespaces that have none left', () => {
    const health = healthAfter(LISTENING, down('asia:5000'), down('quay.io'));
    expect(health.readiness()).toEqual({
      status: 'ready',
      problems: {
        'upstream asia:5000': 'connection refused',
        'upstream quay.io': 'connection refused',
        'namespace quay.io': expect.stringContaining('none of its hops answers'),
      },
    });
    health.observe({ kind: 'hop-up', upstream: 'quay.io', downMs: 1 });
    expect(Object.keys(health.readiness().problems)).toEqual(['upstream asia:5000']);
  });

  it('takes the hops of a new configuration for healthy until they fail', () => {
    const health = healthAfter(LISTENING, down('quay.io'));
    health.observe({ kind: 'reloaded', changed: ['upstreams'], unchanged: [] });
    expect(health.readiness()).toEqual({ status: 'ready', problems: {} });
  });

  it('ends while a configured check fails', () => {
    const health = healthAfter(LISTENING, CHECK_FAILED);
    expect(health.readiness()).toEqual({ status: 'unhealthy', problems: { '/away': 'file exists' } });
    health.forgetChecks();
    expect(health.readiness().status).toBe('ready');
  });
});
