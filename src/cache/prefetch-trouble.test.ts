import { afterAll, expect, test, vi } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import type { Exchange } from '../../fixtures/recording-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { freshImage, offer, outcomeOf, pathOf, readManifest } from '../../fixtures/small-image.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

/** Few enough that one blob at a time is fetched ahead, in order. */
const ONE_AT_A_TIME = { connectionsOf: () => 3 };

test('what the upstream refuses or fails to send is told once, and the rest is left to the clients', async () => {
  for (const { status, answer } of [
    { status: 404, answer: { code: 'BLOB_UNKNOWN' } },
    { status: 503, answer: { code: 'UNAVAILABLE', status: 503 } },
  ]) {
    const image = freshImage(`refused ${status}`);
    const [first, second, third] = image.layers;
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', pathOf(second), says(status));
    offer(upstream, first, image.config, third);
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
    await readManifest(cache, upstream, image);
    await outcomeOf(cache, first);
    await cache.tells('upstream-failed');
    expect(cache.told('upstream-failed')).toEqual([
      expect.objectContaining({
        request: `prefetch of blob ${second.digest} of docker.io/team/app`,
        reason: expect.stringContaining(String(status)),
      }),
    ]);
    await expect(outcomeOf(cache, third)).resolves.toBe('miss');
    await expect(outcomeOf(cache, image.config)).resolves.toBe('prefetched');
    await expect(cache.get('team/app', second.digest)).resolves.toMatchObject({
      error: answer,
      passage: { outcome: 'miss' },
    });
    await cache.tells('fill-finished', 3);
    expect(cache.told('internal-error')).toEqual([]);
  }
});

test('a client that waits for what is refused is told so, and the operator hears no more of it', async () => {
  const image = freshImage('refused to a client');
  await using upstream = await startScriptedUpstream();
  const asked = Promise.withResolvers<Exchange>();
  upstream.on('GET', pathOf(image.config), asked.resolve);
  offer(upstream, ...image.layers);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, image.layers[0]);
  const exchange = await asked.promise;
  const client = cache.get('team/app', image.config.digest);
  // The client has taken it over once the next one is asked for.
  await upstream.asked('GET', pathOf(image.layers[1]));
  await says(404)(exchange);
  await expect(client).resolves.toMatchObject({ error: { code: 'BLOB_UNKNOWN' } });
  await cache.blobs[Symbol.asyncDispose]();
  expect(cache.told('upstream-failed')).toEqual([]);
});

test('wrong bytes that were fetched ahead are remembered as those of any fill', async () => {
  const image = freshImage('wrong bytes');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', pathOf(second), sends(second, { wrongByteAt: 10 }));
  offer(upstream, first, image.config, third);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, first);
  await cache.tells('digest-mismatch');
  await expect(cache.get('team/app', second.digest)).resolves.toMatchObject({ error: { status: 502 } });
  await cache.tells('fill-finished', 2);
  await cache.clock.advance(60_000);
  // The image starts again: the bad one is passed over.
  await expect(outcomeOf(cache, first)).resolves.toBe('hit');
  await cache.tells('fill-finished', 3);
  await expect(outcomeOf(cache, third)).resolves.toBe('prefetched');
});

test('what was fetched ahead and removed again is a miss, and proves nothing to another repository', async () => {
  const image = freshImage('removed');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  offer(upstream, ...image.blobs, second);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, first);
  await cache.tells('fill-finished', 4);
  await cache.clock.advance(1);
  const { digest } = second;
  await disk.store.remove(digest, { by: 'used', cutoffMs: cache.clock.now() });
  await expect(outcomeOf(cache, second)).resolves.toBe('miss');
  await cache.tells('fill-finished', 5);
  await expect(outcomeOf(cache, second)).resolves.toBe('hit');
  upstream.on('HEAD', pathOf(third, 'team/other'), sends(third));
  await expect(outcomeOf(cache, third, 'team/other')).resolves.toBe('revalidated');
  await expect(outcomeOf(cache, third)).resolves.toBe('hit');
});

test('a cache that ends while blobs wait and arrive leaves nothing running', async () => {
  const image = freshImage('ends');
  await using upstream = await startScriptedUpstream();
  const held = new SteppedBlob(image.config);
  upstream.on('GET', pathOf(image.config), held.answer);
  offer(upstream, image.layers[0]);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, image.layers[0]);
  await held.asked();
  await cache.blobs[Symbol.asyncDispose]();
  expect(cache.blobs.runningFills).toBe(0);
  await held.left();
  expect(cache.told('internal-error')).toEqual([]);
});

test('a cache that ends while a blob is looked for waits for that, and does not ask for it', async () => {
  const image = freshImage('looked for');
  await using upstream = await startScriptedUpstream();
  offer(upstream, image.layers[0]);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  const { store } = disk;
  const openBlob = store.openBlob.bind(store);
  const found = Promise.withResolvers<void>();
  const spy = vi.spyOn(store, 'openBlob').mockImplementation(async (digest) => {
    if (digest === image.config.digest) await found.promise;
    return await openBlob(digest);
  });
  await outcomeOf(cache, image.layers[0]);
  await cache.tells('fill-finished');
  let ended = false;
  const ending = cache.blobs[Symbol.asyncDispose]().then(() => {
    ended = true;
  });
  await cache.clock.advance(1);
  expect(ended).toBe(false);
  found.resolve();
  await ending;
  expect(spy.mock.calls.flat()).not.toContain(image.layers[1].digest);
  spy.mockRestore();
  expect(upstream.count('GET', pathOf(image.config))).toBe(0);
  expect(cache.blobs.runningFills).toBe(0);
});
