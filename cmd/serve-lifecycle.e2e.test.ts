import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type HopOptions, hopEnvironment, hopRoot, startHop } from '../fixtures/chain.ts';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { type Answer, ask } from '../fixtures/client.ts';
import { seededContent } from '../src/bench/image/content.ts';
import { type EmbeddedOrigin, startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { runRegcache } from '../fixtures/regcache-process.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { readStoreTree } from '../fixtures/store-tree.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const ASIA = join(import.meta.dirname, '..', 'fixtures', 'asia.yml');
const OPTIONS = 'REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS';
const MIB = 1024 * 1024;
const TTL_MS = 3000;
/** How late a blob may be removed. */
const LATE_MS = 5000;

interface World extends AsyncDisposable {
  readonly origin: EmbeddedOrigin;
  readonly hop: HopOptions;
  ask(url: string, path: string): Promise<Answer>;
}

/** One hop that can be started, over an embedded origin. */
async function makeWorld(env: Readonly<Record<string, string>> = {}): Promise<World> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await tempFolder('lifecycle')).path;
  const authority = await makeCertificateAuthority();
  const origin = starting.use(await startEmbeddedOrigin({ tls: await authority.issue() }));
  const cas = [await authority.write(folder, 'ca')];
  const running = starting.move();
  return {
    origin,
    hop: { name: 'asia', folder, authority, originUrl: origin.url, cas, env },
    ask: (url, path) => ask(`${url}${path}`, { ca: authority.certificatePem }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test('SIGTERM lets a running answer end, takes no new connection, and exits with 0', async () => {
  await using world = await makeWorld({ REGISTRY_HTTP_DRAINTIMEOUT: '20s' });
  const blob = seededContent('drain', 8 * MIB);
  const path = world.origin.addBlob('lib/app', blob);
  world.origin.shape(blob.digest, { bytesPerSecond: 4 * MIB });
  await using cache = await startHop(world.hop);
  const answer = await world.ask(cache.url, path);
  await answer.firstByte();
  cache.signal('SIGTERM');
  await cache.logged((line) => line['event'] === 'draining');
  await expect.poll(() => connectError(world, cache.url)).toBe('ECONNREFUSED');
  await expect(answer.digest()).resolves.toMatchObject({ digest: blob.digest });
  await expect(cache.exited()).resolves.toBe(0);
});

test('a second signal ends it at once', async () => {
  await using world = await makeWorld({ REGISTRY_HTTP_DRAINTIMEOUT: '60s' });
  const blob = seededContent('hurry', 8 * MIB);
  const path = world.origin.addBlob('lib/app', blob);
  world.origin.shape(blob.digest, { bytesPerSecond: MIB / 8 });
  await using cache = await startHop(world.hop);
  const answer = await world.ask(cache.url, path);
  await answer.firstByte();
  cache.signal('SIGTERM');
  await cache.logged((line) => line['event'] === 'draining');
  const signalledAtMs = performance.now();
  cache.signal('SIGTERM');
  await cache.exited();
  expect(performance.now() - signalledAtMs).toBeLessThan(2000);
  await expect(answer.drain()).resolves.toMatchObject({ complete: false });
});

test('blobs and manifests are gone within 5 s after their time, and come again when asked for', async () => {
  await using world = await makeWorld({ [`${OPTIONS}_BLOBTTL`]: '3s' });
  const image = await seedImage({ seed: 'ttl', layerBytes: [MIB] });
  world.origin.addImage('lib/app', 'v1', image);
  await using cache = await startHop(world.hop);
  const [layer] = image.blobs.slice(-1);
  const pull = async (): Promise<void> => {
    await (await world.ask(cache.url, '/v2/lib/app/manifests/v1')).drain();
    await (await world.ask(cache.url, `/v2/lib/app/blobs/${layer?.digest}`)).drain();
  };
  await pull();
  const pulledAtMs = performance.now();
  // The last bytes go out before the blob has its final name.
  await expect
    .poll(async () => new Set((await readStoreTree(hopRoot(world.hop))).digests))
    .toEqual(new Set([image.root.content.digest, ...image.blobs.map(({ digest }) => digest)]));
  await emptied(hopRoot(world.hop));
  expect(performance.now() - pulledAtMs).toBeGreaterThan(TTL_MS - 100);
  expect(performance.now() - pulledAtMs).toBeLessThan(TTL_MS + LATE_MS);
  await pull();
  expect(world.origin.count('GET', `/v2/lib/app/blobs/${layer?.digest}`)).toBe(2);
});

test('the time to live goes on counting over a restart', async () => {
  await using world = await makeWorld({ [`${OPTIONS}_BLOBTTL`]: '20s' });
  const blob = seededContent('restart', MIB);
  const path = world.origin.addBlob('lib/app', blob);
  const digests = async (): Promise<readonly string[]> => (await readStoreTree(hopRoot(world.hop))).digests;
  let pulledAtMs = 0;
  {
    await using cache = await startHop(world.hop);
    await (await world.ask(cache.url, path)).drain();
    pulledAtMs = performance.now();
    // The last bytes go out before the blob has its final name.
    await expect.poll(digests, { timeout: 10_000 }).toEqual([blob.digest]);
    await cache.stop();
  }
  await sleep(5000);
  await using cache = await startHop(world.hop);
  const startedAtMs = performance.now();
  expect(await digests()).toEqual([blob.digest]);
  expect(cache.running).toBe(true);
  await emptied(hopRoot(world.hop));
  expect(performance.now() - startedAtMs).toBeLessThan(20_000 - 2000);
  expect(performance.now() - pulledAtMs).toBeGreaterThan(20_000 - 100);
});

test('a blob that is being read slowly is not removed under its reader', async () => {
  await using world = await makeWorld({ [`${OPTIONS}_BLOBTTL`]: '1s' });
  const blob = seededContent('slow reader', 64 * MIB);
  const path = world.origin.addBlob('lib/app', blob);
  await using cache = await startHop(world.hop);
  await (await world.ask(cache.url, path)).drain();
  const reader = await world.ask(cache.url, path);
  await reader.firstByte();
  await sleep(1000 + LATE_MS);
  expect((await readStoreTree(hopRoot(world.hop), () => false)).digests).toEqual([blob.digest]);
  await expect(reader.digest()).resolves.toMatchObject({ digest: blob.digest, sizeBytes: blob.sizeBytes });
  await emptied(hopRoot(world.hop));
  expect(world.origin.count('GET', path)).toBe(1);
});

test('a time to live without deletion enabled is refused', async () => {
  await using world = await makeWorld({ REGISTRY_STORAGE_DELETE_ENABLED: 'false' });
  const ran = await runRegcache(['serve', '--config', ASIA], { env: await hopEnvironment(world.hop) });
  expect(ran.exitCode).toBe(2);
  expect(ran.stderr).toContain('storage.delete.enabled');
});

test('help lists the commands, and each command its options and examples', async () => {
  const help = await runRegcache(['--help']);
  expect(help.exitCode).toBe(0);
  expect(help.stdout).toMatch(/serve[\s\S]*config/);
  const serve = await runRegcache(['serve', '--help']);
  expect(serve.stdout).toMatch(/--config[\s\S]*Examples:[\s\S]*serve --config config\.yml/);
});

test('config check prints the effective configuration, overrides applied and secrets hidden', async () => {
  await using world = await makeWorld();
  const env = {
    ...(await hopEnvironment(world.hop)),
    REGISTRY_HTTP_ADDR: '127.0.0.1:6000',
    [`${OPTIONS}_UPSTREAMS_0_USERNAME`]: 'reader',
    [`${OPTIONS}_UPSTREAMS_0_PASSWORD`]: 'open-sesame',
  };
  const ran = await runRegcache(['config', 'check', '--config', ASIA], { env });
  expect(ran.stderr).toContain('valid');
  expect(ran.exitCode).toBe(0);
  expect(ran.stdout).toContain('127.0.0.1:6000');
  expect(ran.stdout).toContain('reader');
  expect(ran.stdout + ran.stderr).not.toContain('open-sesame');
});

/** The code of the error that a new connection ends with; undefined if it is answered. */
async function connectError(world: World, url: string): Promise<unknown> {
  return await world.ask(url, '/v2/').then(
    async (answer) => {
      await answer.drain();
      return undefined;
    },
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );
}

/** Waits until a store holds nothing any more. */
async function emptied(root: string): Promise<void> {
  const look = async (): Promise<readonly string[]> => (await readStoreTree(root, () => false)).digests;
  await expect.poll(look, { timeout: 30_000, interval: 100 }).toEqual([]);
}
