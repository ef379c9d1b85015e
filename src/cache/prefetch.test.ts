import { afterAll, expect, test } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import {
  blobsAsked,
  described,
  freshImage,
  imageManifest,
  offer,
  outcomeOf,
  pathOf,
  readManifest,
} from '../../fixtures/small-image.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult, repositoryOf } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-type.ts';
import { parseNamespace } from '../oci/namespace.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

/** Few enough that one blob at a time is fetched ahead: in order, so that what should not be asked for would come first. */
const ONE_AT_A_TIME = { connectionsOf: () => 3 };

test('the first layer that a client asks for starts the others: config first, then their order', async () => {
  const image = freshImage('starts');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  offer(upstream, ...image.blobs);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  const pull = { ...cache.pull('team/app'), passport: { via: '1.1 edge, 1.1 test', hopsPassed: 1 } };
  await readResult(await cache.blobs.get({ ...pull, digest: second.digest }));
  await cache.tells('fill-finished', 4);
  expect(blobsAsked(upstream)).toEqual([second, image.config, first, third].map((blob) => pathOf(blob)));
  expect(new Set(upstream.requests.slice(1).map(({ headers }) => headers.via))).toEqual(
    new Set(['1.1 edge, 1.1 test']),
  );
  await expect(outcomeOf(cache, first)).resolves.toBe('prefetched');
  await expect(outcomeOf(cache, first)).resolves.toBe('hit');
  await expect(outcomeOf(cache, second)).resolves.toBe('hit');
  await expect(cache.head('team/app', third.digest)).resolves.toMatchObject({ passage: { outcome: 'hit' } });
  await expect(outcomeOf(cache, third)).resolves.toBe('prefetched');
});

test('a stored layer starts the others too, and what is stored is not asked for', async () => {
  const image = freshImage('stored layer');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  offer(upstream, first, third, image.config, second);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await outcomeOf(cache, first);
  await outcomeOf(cache, third);
  await cache.tells('fill-finished', 2);
  await readManifest(cache, upstream, image);
  await expect(outcomeOf(cache, first)).resolves.toBe('hit');
  await cache.tells('fill-finished', 4);
  await expect(outcomeOf(cache, second)).resolves.toBe('prefetched');
  await expect(outcomeOf(cache, third)).resolves.toBe('hit');
  // Nor is it held for having been looked at.
  await cache.clock.advance(1);
  const removal = disk.store.remove(third.digest, { by: 'used', cutoffMs: cache.clock.now() });
  await expect(removal).resolves.toMatchObject({ removed: true });
});

test('neither a config nor a HEAD nor another repository starts anything, nor does a layer alone', async () => {
  const [quiet, unread, control] = [freshImage('quiet'), freshImage('unread'), freshImage('control')];
  await using upstream = await startScriptedUpstream();
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, quiet);
  offer(upstream, quiet.config, unread.layers[0]);
  await outcomeOf(cache, quiet.config);
  await outcomeOf(cache, unread.layers[0]);
  const [, layer] = quiet.layers;
  upstream.on('HEAD', pathOf(layer), sends(layer));
  await cache.head('team/app', layer.digest);
  upstream.on('GET', pathOf(layer, 'team/other'), sends(layer));
  await outcomeOf(cache, layer, 'team/other');
  const { digest } = unread.manifest;
  upstream.on(
    'HEAD',
    `/v2/team/app/manifests/${digest}`,
    sends(unread.manifest, { contentType: OCI_MANIFEST }),
  );
  await cache.manifest('team/app', digest, true);
  await outcomeOf(cache, unread.layers[0]);
  await cache.tells('fill-finished', 3);
  await cache.clock.advance(600_001);
  await cache.manifest('team/app', quiet.manifest.digest, true);
  upstream.on('HEAD', pathOf(layer), sends(layer));
  await expect(outcomeOf(cache, layer)).resolves.toBe('revalidated');
  // Had anything waited, it would have been asked for before this.
  offer(upstream, ...control.blobs);
  await readManifest(cache, upstream, control);
  await outcomeOf(cache, control.layers[0]);
  await cache.tells('fill-finished', 7);
  const [first, ...others] = control.layers;
  expect(blobsAsked(upstream)).toEqual([
    pathOf(quiet.config),
    pathOf(unread.layers[0]),
    pathOf(layer, 'team/other'),
    ...[first, control.config, ...others].map((blob) => pathOf(blob)),
  ]);
});

test('of an index, the platform whose layer is asked for is fetched, and no other', async () => {
  const [amd64, arm64, control] = [freshImage('amd64'), freshImage('arm64'), freshImage('after')];
  const manifests = [amd64, arm64].map(({ manifest }) => ({
    ...described(manifest),
    mediaType: OCI_MANIFEST,
  }));
  const index = bytesContent(Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', '/v2/team/app/manifests/latest', sends(index, { contentType: OCI_INDEX }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await cache.manifest('team/app', 'latest');
  // As containerd 2.1 does.
  for (const image of [amd64, arm64]) await readManifest(cache, upstream, image);
  offer(upstream, ...amd64.blobs, arm64.config, ...control.blobs);
  await outcomeOf(cache, amd64.config);
  await outcomeOf(cache, arm64.config);
  await outcomeOf(cache, amd64.layers[1]);
  await readManifest(cache, upstream, control);
  await outcomeOf(cache, control.layers[0]);
  await cache.tells('fill-finished', 9);
  await expect(outcomeOf(cache, amd64.layers[0])).resolves.toBe('prefetched');
});

test('a layer that lies elsewhere is never asked for', async () => {
  const foreign = { ...described(seededContent('foreign', 10)), urls: ['https://layers.test/foreign'] };
  const image = freshImage('with a foreign layer', [foreign]);
  const control = freshImage('after the foreign one');
  await using upstream = await startScriptedUpstream();
  offer(upstream, ...image.blobs, ...control.blobs);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await readManifest(cache, upstream, control);
  await outcomeOf(cache, image.layers[0]);
  await outcomeOf(cache, control.layers[0]);
  await cache.tells('fill-finished', 8);
  expect(blobsAsked(upstream)).toHaveLength(8);
});

test('the first client of what is being fetched ahead has prefetched it, the next has joined', async () => {
  const image = freshImage('joined');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  const stepped = new SteppedBlob(second);
  upstream.on('GET', pathOf(second), stepped.answer);
  offer(upstream, image.config, first, third);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, first);
  await stepped.asked();
  const one = await cache.get('team/app', second.digest);
  const two = await cache.get('team/app', second.digest);
  expect([one.passage.outcome, two.passage.outcome]).toEqual(['prefetched', 'joined']);
  // It is a client's now, so the next one has its place.
  await upstream.asked('GET', pathOf(third));
  await stepped.finish();
  for (const pulled of [one, two]) {
    const { bytes } = await readResult(pulled);
    expect(bytes.equals(second.read(0, second.sizeBytes))).toBe(true);
  }
  await cache.tells('fill-finished', 4);
  await expect(outcomeOf(cache, second)).resolves.toBe('hit');
});

test('a client never waits for what is fetched ahead: a blob that waits starts at once', async () => {
  const image = freshImage('client first');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  const config = new SteppedBlob(image.config);
  upstream.on('GET', pathOf(image.config), config.answer);
  offer(upstream, first, second, third);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, first);
  await config.asked();
  await expect(outcomeOf(cache, third)).resolves.toBe('miss');
  expect(blobsAsked(upstream)).toEqual([first, image.config, third].map((blob) => pathOf(blob)));
  await config.finish();
  await cache.tells('fill-finished', 4);
  await expect(outcomeOf(cache, third)).resolves.toBe('hit');
  await expect(outcomeOf(cache, second)).resolves.toBe('prefetched');
});

test('what does not fit into the budget is left out, until a layer is asked for a minute later', async () => {
  const image = freshImage('budget');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  offer(upstream, ...image.blobs);
  const prefetch = { ...ONE_AT_A_TIME, maxBytes: 3_000 };
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch });
  await readManifest(cache, upstream, image);
  // The config and the second fit; the third would be 100 bytes too many.
  await outcomeOf(cache, first);
  await cache.tells('fill-finished', 3);
  await cache.clock.advance(59_999);
  await expect(outcomeOf(cache, second)).resolves.toBe('prefetched');
  expect(upstream.count('GET', pathOf(third))).toBe(0);
  await cache.clock.advance(1);
  await expect(outcomeOf(cache, second)).resolves.toBe('hit');
  await cache.tells('fill-finished', 4);
  await expect(outcomeOf(cache, third)).resolves.toBe('prefetched');
});

test('a blob that a client takes out of the queue leaves its bytes to others', async () => {
  const image = freshImage('out of the queue');
  const [first, second, third] = image.layers;
  await using upstream = await startScriptedUpstream();
  const config = new SteppedBlob(image.config);
  upstream.on('GET', pathOf(image.config), config.answer);
  offer(upstream, first, second, third);
  const prefetch = { ...ONE_AT_A_TIME, maxBytes: 3_000 };
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch });
  await readManifest(cache, upstream, image);
  await outcomeOf(cache, first);
  await config.asked();
  await cache.clock.advance(60_000);
  await expect(outcomeOf(cache, second)).resolves.toBe('miss');
  await config.finish();
  await cache.tells('fill-finished', 4);
  await expect(outcomeOf(cache, third)).resolves.toBe('prefetched');
});

test('four at most are fetched ahead in a namespace, and a client’s own go beside them', async () => {
  const layers = Array.from({ length: 7 }, (_, index) => seededContent(`many layers ${index}`, 1_000));
  const stepped = layers.map((layer) => new SteppedBlob(layer));
  const manifest = imageManifest(seededContent('many layers config', 100), layers);
  await using upstream = await startScriptedUpstream();
  for (const [index, layer] of layers.entries()) {
    upstream.on('GET', pathOf(layer), (exchange) => stepped[index]?.answer(exchange));
  }
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: {} });
  // The config is here already and takes nobody's place.
  offer(upstream, seededContent('many layers config', 100));
  await outcomeOf(cache, seededContent('many layers config', 100));
  await readManifest(cache, upstream, { manifest });
  const read = async (index: number): Promise<string> => await outcomeOf(cache, layers[index] ?? manifest);
  const finish = async (...indexes: readonly number[]): Promise<void> => {
    for (const index of indexes) await stepped[index]?.finish();
  };
  const asked = async (...indexes: readonly number[]): Promise<void> => {
    for (const index of indexes) await stepped[index]?.asked();
    expect(upstream.requests.slice(2)).toHaveLength(indexes.length);
  };
  const first = read(0);
  await asked(0, 1, 2, 3, 4);
  const last = read(6);
  await asked(0, 1, 2, 3, 4, 6);
  await finish(0, 6);
  expect([await first, await last]).toEqual(['miss', 'miss']);
  await cache.tells('fill-finished', 3);
  await asked(0, 1, 2, 3, 4, 6);
  await finish(1);
  await asked(0, 1, 2, 3, 4, 6, 5);
  await finish(2, 3, 4, 5);
  await cache.tells('fill-finished', 8);
  await expect(read(5)).resolves.toBe('prefetched');
});

test('where there are too few connections, or fills end with their clients, nothing is fetched ahead', async () => {
  for (const options of [
    { prefetch: { connectionsOf: () => 2 } },
    { prefetch: ONE_AT_A_TIME, fillAfterAbort: false },
  ]) {
    const image = freshImage(`nothing ahead ${'fillAfterAbort' in options}`);
    await using upstream = await startScriptedUpstream();
    offer(upstream, ...image.blobs);
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, ...options });
    await readManifest(cache, upstream, image);
    for (const layer of image.layers) {
      await expect(outcomeOf(cache, layer)).resolves.toBe('miss');
      await cache.clock.advance(60_000);
    }
    await expect(outcomeOf(cache, image.config)).resolves.toBe('miss');
    await cache.tells('fill-finished', 4);
  }
});

test('a namespace without room for this takes no bytes from the others', async () => {
  const [narrow, wide] = [freshImage('narrow'), freshImage('wide')];
  const repository = { ...repositoryOf('team/app'), namespace: parseNamespace('dtr.test') };
  await using upstream = await startScriptedUpstream();
  offer(upstream, narrow.layers[0], ...wide.blobs);
  const prefetch = {
    maxBytes: 4_000,
    connectionsOf: (namespace: string) => (namespace === repository.namespace ? 2 : 3),
  };
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch });
  const { digest, sizeBytes } = narrow.manifest;
  cache.blobs.noteManifest(repository, digest, narrow.manifest.read(0, sizeBytes));
  const pull = { ...cache.pull('team/app'), repository, digest: narrow.layers[0].digest };
  await readResult(await cache.blobs.get(pull));
  await readManifest(cache, upstream, wide);
  await outcomeOf(cache, wide.layers[0]);
  await cache.tells('fill-finished', 5);
  for (const blob of [wide.config, wide.layers[1], wide.layers[2]]) {
    await expect(outcomeOf(cache, blob)).resolves.toBe('prefetched');
  }
});

test('namespaces do not wait for each other', async () => {
  const [one, two] = [freshImage('namespace one'), freshImage('namespace two')];
  await using upstream = await startScriptedUpstream();
  const held = new SteppedBlob(one.config);
  upstream.on('GET', pathOf(one.config), held.answer);
  offer(upstream, ...one.layers, ...two.blobs);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, prefetch: ONE_AT_A_TIME });
  await readManifest(cache, upstream, one);
  await outcomeOf(cache, one.layers[0]);
  await held.asked();
  const repository = { ...repositoryOf('team/app'), namespace: parseNamespace('dtr.test') };
  cache.blobs.noteManifest(repository, two.manifest.digest, two.manifest.read(0, two.manifest.sizeBytes));
  await readResult(
    await cache.blobs.get({ ...cache.pull('team/app'), repository, digest: two.layers[0].digest }),
  );
  await cache.tells('fill-finished', 5);
  expect(blobsAsked(upstream)).not.toContain(pathOf(one.layers[1]));
  await held.finish();
  await cache.tells('fill-finished', 8);
});
