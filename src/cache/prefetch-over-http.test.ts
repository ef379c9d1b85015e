import { expect, test } from 'vitest';
import { type EmbeddedOrigin, startEmbeddedOrigin } from '../../fixtures/embedded-origin.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { seedImage, type SeededImage } from '../bench/image/seeded-image.ts';

const LAYERS = [60_000, 50_000, 40_000, 30_000, 20_000, 10_000];

async function originWith(image: SeededImage): Promise<EmbeddedOrigin> {
  const origin = await startEmbeddedOrigin();
  origin.addImage('team/app', 'latest', image);
  return origin;
}

function pathOf({ digest }: { readonly digest: string }): string {
  return `/v2/team/app/blobs/${digest}`;
}

/** Reads a blob whole and tells this hop's entry of `Cache-Status`. */
async function read(cache: RunningCache, blob: { readonly digest: string }): Promise<string> {
  const answer = await cache.ask(pathOf(blob));
  expect(answer.status).toBe(200);
  await expect(answer.digest()).resolves.toMatchObject({ digest: blob.digest });
  return String(answer.headers['cache-status']).split(', ').at(-1) ?? '';
}

test('one layer that a client asks for brings the whole image to both hops', async () => {
  const image = await seedImage({ seed: 'chain', layerBytes: LAYERS });
  await using origin = await originWith(image);
  await using asia = await startCache({ origin: origin.url, downstream: ['name: asia'] });
  await using china = await startCache({ origin: origin.url, hop: asia.url, downstream: ['name: china'] });
  await (await china.ask('/v2/team/app/manifests/latest')).bytes();
  const [config, first, ...others] = image.blobs;
  if (config === undefined || first === undefined) throw new Error('the image has no layer');
  await expect(read(china, first)).resolves.toBe('"china"; fwd=miss; fwd-status=200; stored');
  await Promise.all([china, asia].map(async (hop) => await hop.tells('fill-finished', image.blobs.length)));
  for (const blob of image.blobs) expect(origin.count('GET', pathOf(blob))).toBe(1);
  for (const blob of [config, ...others]) {
    await expect(read(china, blob)).resolves.toBe('"china"; hit; detail=prefetched');
    await expect(read(china, blob)).resolves.toBe('"china"; hit');
  }
  await expect(read(china, first)).resolves.toBe('"china"; hit');
  const outcomes = china.told('request').map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === 'prefetched')).toHaveLength(LAYERS.length);
  expect([...china.events, ...asia.events].filter(({ kind }) => kind.endsWith('-failed'))).toEqual([]);
});

test('six clients that pull at once, and what is fetched ahead, cost the origin each blob once', async () => {
  const image = await seedImage({ seed: 'six', layerBytes: LAYERS });
  await using origin = await originWith(image);
  await using cache = await startCache({ origin: origin.url });
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      await (await cache.ask('/v2/team/app/manifests/latest')).bytes();
      await Promise.all(image.blobs.map(async (blob) => await read(cache, blob)));
    }),
  );
  for (const blob of image.blobs) expect(origin.count('GET', pathOf(blob))).toBe(1);
  expect(cache.told('fill-started')).toHaveLength(image.blobs.length);
  // Each blob was fetched for one client or ahead of one; the other five found it.
  const firsts = cache.told('request').filter(({ outcome, reference }) => {
    const isBlob = reference?.startsWith('sha256:') ?? false;
    return isBlob && (outcome === 'miss' || outcome === 'prefetched');
  });
  expect(new Set(firsts.map(({ reference }) => reference)).size).toBe(image.blobs.length);
  expect(firsts).toHaveLength(image.blobs.length);
});

test('with prefetch off, only what clients ask for is fetched', async () => {
  const image = await seedImage({ seed: 'off', layerBytes: LAYERS });
  await using origin = await originWith(image);
  await using cache = await startCache({ origin: origin.url, downstream: ['prefetch: false'] });
  await (await cache.ask('/v2/team/app/manifests/latest')).bytes();
  for (const blob of image.blobs.toReversed()) {
    await expect(read(cache, blob)).resolves.toMatch(/; fwd=miss; fwd-status=200; stored$/);
  }
});
