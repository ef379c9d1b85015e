import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type RunningCache, startCache } from '../fixtures/running-cache.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seededContent } from './bench/image/content.ts';
import { connectStore } from './control/connect-store.ts';
import { controlPlaces } from './control/control-path.ts';
import { hitRate } from './control/hit-rate.ts';
import type { Snapshot } from './control/snapshot.ts';

const never = new AbortController().signal;
const BLOB = seededContent('control', 3_000_000);

async function pull({ ask }: RunningCache, path: string): Promise<void> {
  const answer = await ask(path);
  await answer.digest();
}

describe('a running daemon', () => {
  test('tells what it serves, fetches and holds, over the socket in its root', async () => {
    await using origin = await startEmbeddedOrigin();
    const path = origin.addBlob('lib/app', BLOB);
    await using cache = await startCache({ origin: origin.url, downstream: ['blobttl: 1h', 'name: china'] });
    const client = connectStore(cache.root);
    await pull(cache, path);
    await cache.tells('fill-finished');
    await pull(cache, path);
    await cache.tells('request', 2);
    const snapshot = await client.snapshot(never);
    const host = new URL(origin.url).host;
    expect(snapshot).toMatchObject({
      version: 1,
      daemon: { name: 'china', pid: process.pid, url: cache.url },
      health: { ready: true, status: 'ready', problems: {} },
      traffic: {
        total: {
          reads: 2,
          outcomes: { hit: 1, miss: 1 },
          toClientsBytes: 2 * BLOB.sizeBytes,
          fromUpstreamBytes: BLOB.sizeBytes,
        },
        openRequests: 0,
      },
      fills: [],
      upstreams: [{ name: host, role: 'origin', state: 'up', requests: 1, failures: 0 }],
      store: { root: cache.root, blobs: 1, bytes: BLOB.sizeBytes, ttlMs: 3_600_000 },
      repositories: [{ repository: `${host}/lib/app`, reads: 2, hits: 1 }],
    });
    expect(snapshot.pulls.map(({ outcome, missReason }) => [outcome, missReason])).toEqual([
      ['hit', undefined],
      ['miss', 'new'],
    ]);
    expect(snapshot.store.expiring).toMatchObject([{ digest: BLOB.digest, sizeBytes: BLOB.sizeBytes }]);
    expect(hitRate(snapshot.traffic.total)).toEqual({ requests: 0.5, bytes: 0.5 });
  });

  test('tells of a fill while it runs: how far it is, who follows it, from where', async () => {
    await using origin = await startEmbeddedOrigin();
    const path = origin.addBlob('lib/app', BLOB);
    origin.shape(BLOB.digest, { bytesPerSecond: 1_000_000 });
    await using cache = await startCache({ origin: origin.url });
    const client = connectStore(cache.root);
    const [first, second] = [await cache.ask(path), await cache.ask(path)];
    await Promise.all([first.firstByte(), second.firstByte()]);
    const { fills, traffic } = await client.snapshot(never);
    expect(fills).toMatchObject([
      { digest: BLOB.digest, sizeBytes: BLOB.sizeBytes, followers: 2, ahead: false },
    ]);
    expect(fills[0]?.doneBytes).toBeGreaterThan(0);
    expect(fills[0]?.bytesPerSecond).toBeGreaterThan(0);
    expect(fills[0]?.upstream).toBe(new URL(origin.url).host);
    expect(traffic.openRequests).toBe(2);
    await Promise.all([first.digest(), second.digest()]);
  });

  test('says which hop is down and why, and which hops lie behind the one that answers', async () => {
    await using origin = await startEmbeddedOrigin();
    const path = origin.addBlob('lib/app', BLOB);
    await using asia = await startCache({ origin: origin.url, downstream: ['name: asia'] });
    await using china = await startCache({
      origin: origin.url,
      hop: asia.url,
      fallback: false,
      downstream: ['name: china'],
    });
    await using office = await startCache({ origin: origin.url, hop: china.url, fallback: false });
    const client = connectStore(office.root);
    await pull(office, path);
    expect((await client.snapshot(never)).upstreams).toMatchObject([
      { name: new URL(china.url).host, role: 'hop', state: 'up', behind: ['asia'] },
    ]);
    await china.daemon[Symbol.asyncDispose]();
    await office.ask('/v2/lib/app/manifests/v1');
    const { upstreams, health } = await client.snapshot(never);
    expect(upstreams).toMatchObject([
      { state: 'down', reason: 'connection refused', requests: 2, failures: 1 },
    ]);
    expect(health.problems).toHaveProperty(`upstream ${new URL(china.url).host}`);
  });

  test('streams snapshots and events to whoever watches', async () => {
    await using origin = await startEmbeddedOrigin();
    const path = origin.addBlob('lib/app', BLOB);
    await using cache = await startCache({
      origin: origin.url,
    });
    const client = connectStore(cache.root);
    const seen: Snapshot[] = [];
    for await (const snapshot of client.watch(never, 100)) {
      seen.push(snapshot);
      if (seen.length === 1) await pull(cache, path);
      if (snapshot.traffic.total.reads === 1) break;
    }
    expect(seen[0]?.traffic.total.reads).toBe(0);
  });
});

test('figures of days outlive the daemon, to the last request', async () => {
  await using origin = await startEmbeddedOrigin();
  const path = origin.addBlob('lib/app', BLOB);
  await using folder = await tempFolder('days');
  const root = join(folder.path, 'store');
  {
    await using cache = await startCache({ origin: origin.url, root });
    await pull(cache, path);
    await cache.tells('fill-finished');
    await pull(cache, path);
    await cache.tells('request', 2);
  }
  await using cache = await startCache({ origin: origin.url, root });
  await pull(cache, path);
  await cache.tells('request', 1);
  const days = await connectStore(root).daily(never, 2);
  expect(days.reduce((reads, day) => reads + day.reads, 0)).toBe(3);
  expect(days.reduce((hits, day) => hits + day.outcomes.hit, 0)).toBe(2);
});

test('a daemon whose socket cannot lie in its store tells where it is, and is found there', async () => {
  await using folder = await tempFolder('open');
  const own = join(folder.path, 'regcache');
  await mkdir(own);
  await chmod(own, 0o777);
  await using cache = await startCache({ origin: 'https://origin.test', root: folder.path });
  const path = controlPlaces(folder.path)[1]?.path;
  expect(cache.told('warning').map(({ message }) => message)).toEqual([
    expect.stringMatching(`^the control socket is ${path}, not in the store: ${own} belongs to others`),
  ]);
  expect((await connectStore(folder.path).snapshot(never)).daemon.url).toBe(cache.url);
});
