import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ask } from '../fixtures/client.ts';
import { Health } from './health.ts';
import { createDebugListener } from './http/debug-server.ts';
import { parseDigest } from './oci/digest.ts';
import type { TelemetryEvent } from './telemetry/event.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const FAILED: TelemetryEvent = {
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

describe('Health', () => {
  it('is ill from a failed write to the next one that works', () => {
    const health = new Health();
    expect(health.report()).toEqual({});
    health.observe(FAILED);
    health.observe({ kind: 'stopped' });
    expect(health.report()).toEqual({ storagedriver: 'no space left' });
    health.observe(FINISHED);
    expect(health.report()).toEqual({});
  });

  it('is told at /debug/health, 503 where something is wrong', async () => {
    const health = new Health();
    const server = createServer(createDebugListener(() => health.report())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`;
    const told = async (path: string): Promise<string> => {
      const answer = await ask(`${url}${path}`);
      return `${answer.status} ${(await answer.bytes()).toString().trim()}`;
    };
    expect(await told('/debug/health')).toBe('200 {}');
    health.observe(FAILED);
    expect(await told('/debug/health?verbose')).toBe('503 {"storagedriver":"no space left"}');
    expect(await told('/debug/pprof')).toBe('404 not found');
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
});
