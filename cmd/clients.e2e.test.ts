import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { type Hops, type Origins, startHops, startOrigins } from '../fixtures/client-world.ts';
import { bytesContent, seededContent } from '../src/bench/image/content.ts';
import type { DockerRegistry } from '../fixtures/docker-registry.ts';
import { missingPeers, needPeers } from '../fixtures/peers.ts';
import { pushImage } from '../fixtures/push-image.ts';
import { CLIENT_KINDS, type ClientKind, type RealClient } from '../fixtures/real-clients.ts';
import { artifact, seedImage, type SeededImage } from '../src/bench/image/seeded-image.ts';

const MANY_LAYERS = 120;
const GIB = 1024 ** 3;

interface Held {
  /** What clients call it, without the tag. */
  readonly called: string;
  readonly image: SeededImage;
}

const cleanup = new AsyncDisposableStack();
const held = new Map<string, Held>();
let origins: Origins | undefined;

beforeAll(async () => {
  if (missingPeers('docker-registry').length > 0) return;
  origins = cleanup.use(await startOrigins());
  const layerBytes = [300_000, 20_000, 1_000];
  const hub = async (name: string, image: SeededImage): Promise<void> => hold('docker.io', name, image);
  await hub('app', await seedImage({ seed: 'app', layerBytes }));
  await hub('multi', await seedImage({ seed: 'multi', layerBytes, architectures: ['amd64', 'arm64'] }));
  await hub('zstd', await seedImage({ seed: 'zstd', layerBytes, kind: 'oci zstd' }));
  await hub('schema2', await seedImage({ seed: 'schema2', layerBytes, kind: 'docker schema 2' }));
  const tiny = Array.from({ length: MANY_LAYERS }, () => 100);
  await hub('deep', await seedImage({ seed: 'deep', layerBytes: tiny }));
  // The same name and tag as above, and other contents.
  await hold('two.test', 'app', await seedImage({ seed: 'the other app', layerBytes }));
}, 120_000);

afterAll(async () => {
  await cleanup.disposeAsync();
});

async function hold(namespace: 'docker.io' | 'two.test', name: string, image: SeededImage): Promise<void> {
  const origin = originOf(namespace);
  const to = { url: origin.url, ca: world().authority.certificatePem };
  await pushImage(to, `lib/${name}`, 'v1', image);
  held.set(namespace === 'docker.io' ? name : `${name} of ${namespace}`, {
    called: `${namespace}/lib/${name}:v1`,
    image,
  });
}

function world(): Origins {
  if (origins === undefined) throw new Error('the origins were not set up');
  return origins;
}

function originOf(called: string): DockerRegistry {
  return called.startsWith('two.test') ? world().two : world().hub;
}

describe.each(CLIENT_KINDS)('$name', (kind) => {
  test.for([1, 2] as const)(
    'pulls every kind of image through %i hops, cold and warm, by the files of `regcache clients`',
    { timeout: 600_000 },
    async (hops, context) => {
      await using through = await startThrough(context, kind, hops);
      for (const [name, { called, image }] of held) {
        // 120 layers take every client a while: once is enough.
        if (kind.cannot.includes(name) || (name === 'deep' && hops === 1)) continue;
        const origin = originOf(called);
        origin.requests.length = 0;
        for (const heat of name === 'deep' ? ['cold'] : ['cold', 'warm']) {
          const { rootDigest, id } = await through.client.pull(called);
          const roots = [image.root, ...image.manifests].map(({ content }) => content.digest);
          expect(roots, `${name}, ${heat}`).toContain(rootDigest);
          expect([undefined, ...roots, ...image.blobs.map(({ digest }) => digest)]).toContain(id);
          const { blobs, mostOfOne } = blobsAsked(origin);
          expect(mostOfOne, `${name}, ${heat}: GETs of one blob at the origin`).toBe(1);
          expect(blobs).toBeGreaterThanOrEqual(image.blobs.length / image.manifests.length);
          await through.client.forget();
        }
      }
    },
  );

  test('pulls what the cache holds while all that lies behind it is down', async (context) => {
    await using through = await startThrough(context, kind, 2);
    const names = ['app', 'multi'];
    const before = new Map<string, unknown>();
    for (const name of names) before.set(name, await through.client.pull(found(name).called));
    await through.client.forget();
    await through.hops.caches[1]?.stop();
    for (const name of names) {
      await expect(through.client.pull(found(name).called)).resolves.toEqual(before.get(name));
    }
  }, 120_000);

  test('is told why it may not push', async (context) => {
    await using through = await startThrough(context, kind, 1);
    const { called } = found('app');
    await through.client.pull(called);
    world().hub.requests.length = 0;
    const { exitCode, stdout, stderr } = await through.client.push(called);
    expect(exitCode).not.toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/read-only cache: push to the origin/);
    const writes = world().hub.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    expect(writes).toEqual([]);
  }, 120_000);
});

test('skopeo copies artifacts: one without layers, one with a layer of no bytes', async (context) => {
  const [skopeo] = CLIENT_KINDS;
  if (skopeo === undefined) throw new Error('no skopeo');
  await using through = await startThrough(context, skopeo, 2);
  const report = artifact();
  const signed = artifact(bytesContent(Buffer.alloc(0)));
  await hold('docker.io', 'report', report);
  await hold('docker.io', 'signed', signed);
  for (const name of ['report', 'signed']) {
    const { called, image } = found(name);
    const { rootDigest } = await through.client.pull(called);
    expect(rootDigest).toBe(image.root.content.digest);
    held.delete(name);
  }
});

test('a layer of 3 GiB comes through two hops', async (context) => {
  const [skopeo] = CLIENT_KINDS;
  if (skopeo === undefined) throw new Error('no skopeo');
  await using through = await startThrough(context, skopeo, 2);
  await hold('docker.io', 'huge', artifact(seededContent('huge', 3 * GIB + 1)));
  const { called, image } = found('huge');
  world().hub.requests.length = 0;
  const { rootDigest } = await through.client.pull(called);
  expect(rootDigest).toBe(image.root.content.digest);
  expect(blobsAsked(world().hub)).toEqual({ blobs: 2, mostOfOne: 1 });
  held.delete('huge');
}, 900_000);

function found(name: string): Held {
  const each = held.get(name);
  if (each === undefined) throw new Error(`no image ${name}`);
  return each;
}

interface Through extends AsyncDisposable {
  readonly hops: Hops;
  readonly client: RealClient;
}

/** Empty caches and a client that has nothing. */
async function startThrough(context: TestContext, kind: ClientKind, hops: 1 | 2): Promise<Through> {
  needPeers(context, 'docker-registry', ...kind.peers);
  await using starting = new AsyncDisposableStack();
  const started = starting.use(await startHops(world(), hops));
  const client = starting.use(await kind.start(started.clients));
  const running = starting.move();
  return { hops: started, client, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** How many blobs an origin was asked for, and how often for the one that it was asked for most. */
function blobsAsked(origin: DockerRegistry): { blobs: number; mostOfOne: number } {
  const times = new Map<string, number>();
  for (const { method, path } of origin.requests) {
    if (method === 'GET' && path.includes('/blobs/')) times.set(path, (times.get(path) ?? 0) + 1);
  }
  return { blobs: times.size, mostOfOne: Math.max(0, ...times.values()) };
}
