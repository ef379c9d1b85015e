import { afterAll, expect, test } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, repositoryOf } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-type.ts';
import { HeldManifests } from './held-manifests.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const repository = repositoryOf('team/app');

interface Described {
  readonly digest: string;
  readonly size: number;
  readonly urls?: readonly string[];
}

function describe({ digest, sizeBytes }: Content, urls?: readonly string[]): Described {
  return { digest, size: sizeBytes, ...(urls === undefined ? {} : { urls }) };
}

function image(label: string, layers: readonly Described[]): Content {
  return bytesContent(
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        annotations: { label },
        layers: layers.map((layer) => ({ mediaType: 'application/octet-stream', ...layer })),
      }),
    ),
  );
}

function index(label: string, images: readonly Content[]): Content {
  const manifests = images.map((each) => ({ mediaType: OCI_MANIFEST, ...describe(each) }));
  return bytesContent(Buffer.from(JSON.stringify({ schemaVersion: 2, annotations: { label }, manifests })));
}

/** Stores a blob as a fill does, with or without the proof. */
async function storeBlob(label: string, proven = true): Promise<Content> {
  const content = seededContent(label, 1_000);
  const writer = await disk.store.createBlob(content.digest);
  void writer.write(content.read(0, 1_000));
  await writer.commit();
  if (proven) await disk.store.prove(repository, content.digest, 'blob', { sizeBytes: 1_000 });
  return content;
}

async function isComplete(manifest: Content, children: readonly Content[] = []): Promise<boolean> {
  const held = new HeldManifests(disk.store);
  for (const child of children) await held.keep(repository, heldOf(child));
  return await held.isComplete(repository, heldOf(manifest));
}

function heldOf({ digest, sizeBytes, read }: Content): Parameters<HeldManifests['keep']>[1] {
  return { digest, sizeBytes, mediaType: OCI_MANIFEST, bytes: read(0, sizeBytes) };
}

test('an image is complete when all its blobs are held and proven in its repository', async () => {
  const held = await storeBlob('complete');
  const also = await storeBlob('complete too');
  const missing = seededContent('missing', 10);
  const unproven = await storeBlob('unproven', false);
  await expect(isComplete(image('none', []))).resolves.toBe(true);
  await expect(isComplete(image('both', [describe(held), describe(also)]))).resolves.toBe(true);
  await expect(isComplete(image('one', [describe(held), describe(missing)]))).resolves.toBe(false);
  await expect(isComplete(image('unproven', [describe(unproven)]))).resolves.toBe(false);
});

test('a proof without the blob is not enough', async () => {
  const missing = seededContent('proven and missing', 10);
  await disk.store.prove(repository, missing.digest, 'blob', { sizeBytes: 10 });
  await expect(isComplete(image('proven only', [describe(missing)]))).resolves.toBe(false);
});

test('a layer that lies elsewhere is not needed', async () => {
  const foreign = describe(seededContent('foreign', 10), ['https://layers.test/foreign']);
  await expect(isComplete(image('foreign', [foreign]))).resolves.toBe(true);
});

test('an index is complete when one of its images is', async () => {
  const held = await storeBlob('of an index');
  const good = image('good', [describe(held)]);
  const bad = image('bad', [describe(seededContent('not held', 10))]);
  const absent = image('absent', []);
  await expect(isComplete(index('first', [good, bad]), [good, bad])).resolves.toBe(true);
  await expect(isComplete(index('second', [bad, good]), [good, bad])).resolves.toBe(true);
  await expect(isComplete(index('bad', [bad]), [bad])).resolves.toBe(false);
  await expect(isComplete(index('absent', [absent]))).resolves.toBe(false);
  await expect(
    isComplete(index('nested', [index('inner', [good])]), [index('inner', [good]), good]),
  ).resolves.toBe(true);
});

test('what is no manifest is never complete', async () => {
  await expect(isComplete(bytesContent(Buffer.from('<html>')))).resolves.toBe(false);
});

test('a tag whose blobs are not held is not served stale', async () => {
  const layer = seededContent('stale layer', 2_000);
  const manifest = image('stale', [describe(layer)]);
  const path = '/v2/team/app/manifests/stale';
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(manifest, { contentType: OCI_MANIFEST })).always('HEAD', path, says(500));
  upstream.on('GET', `/v2/team/app/blobs/${layer.digest}`, sends(layer));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.manifest('team/app', 'stale');
  await expect(cache.manifest('team/app', 'stale')).resolves.toMatchObject({ error: { status: 502 } });
  await cache.read('team/app', layer.digest);
  await cache.tells('fill-finished');
  await expect(cache.manifest('team/app', 'stale')).resolves.toMatchObject({ passage: { outcome: 'stale' } });
});

test('a manifest whose type was lost says itself what it is', async () => {
  const held = new HeldManifests(disk.store);
  const typed = bytesContent(Buffer.from(JSON.stringify({ mediaType: OCI_INDEX, manifests: [] })));
  const shapeless = bytesContent(Buffer.from('not even JSON'));
  for (const { digest, sizeBytes, read } of [typed, shapeless]) {
    const writer = await disk.store.createBlob(digest);
    void writer.write(read(0, sizeBytes));
    await writer.commit();
    await disk.store.prove(repository, digest, 'manifest', { sizeBytes });
  }
  await expect(held.read(repository, typed.digest)).resolves.toMatchObject({ mediaType: OCI_INDEX });
  await expect(held.read(repository, shapeless.digest)).resolves.toMatchObject({ mediaType: OCI_MANIFEST });
});

test('what is proven and not stored is not held', async () => {
  const held = new HeldManifests(disk.store);
  const { digest } = seededContent('proven manifest', 10);
  await disk.store.prove(repository, digest, 'manifest', { sizeBytes: 10 });
  await expect(held.read(repository, digest)).resolves.toBeUndefined();
});
