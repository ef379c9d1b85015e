import { readdir, readlink } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { says, sends, sendsCutting } from '../../fixtures/behaviour.ts';
import { fullDisk } from '../../fixtures/broken-disk.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult, readSource, type TestCache } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import type { Digest } from '../oci/digest.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const SIZE_BYTES = 100_000;

/** How many of this process's descriptors lead to files below a folder. */
async function openFiles(folder: string): Promise<number> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map(
      async (descriptor) => await readlink(`/proc/self/fd/${descriptor}`).catch(() => ''),
    ),
  );
  return links.filter((link) => link.startsWith(folder) && !link.includes('.sqlite')).length;
}

async function removable(cache: TestCache, digest: Digest): Promise<boolean> {
  await cache.clock.advance(1);
  const condition = { by: 'used', cutoffMs: cache.clock.now() } as const;
  return (await cache.disk.store.remove(digest, condition)).removed;
}

test.runIf(process.platform === 'linux')(
  'however blobs come and go, no file is left open and no blob left pinned',
  async () => {
    await using disk = await openTestStore();
    await using upstream = await startScriptedUpstream();
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    const before = await openFiles(disk.root);
    const blob = (label: string): ReturnType<typeof seededContent> =>
      seededContent(`leak ${label}`, SIZE_BYTES);
    const pathOf = ({ digest }: { digest: Digest }): string => `/v2/team/app/blobs/${digest}`;

    const stored = blob('stored');
    upstream.on('GET', pathOf(stored), sendsCutting(stored, 2), 3);
    await Promise.all([cache.read('team/app', stored.digest), cache.read('team/app', stored.digest)]);
    await cache.tells('fill-finished');
    await cache.read('team/app', stored.digest);
    await cache.head('team/app', stored.digest);

    const wrong = blob('wrong');
    upstream.on('GET', pathOf(wrong), sends(wrong, { wrongByteAt: 1 }));
    await cache.read('team/app', wrong.digest);

    const refused = blob('refused');
    upstream.on('GET', pathOf(refused), says(404)).on('HEAD', pathOf(refused), says(404));
    await cache.get('team/app', refused.digest);
    await cache.head('team/app', refused.digest);

    const full = blob('full');
    upstream.always('GET', pathOf(full), sends(full));
    {
      using disk50k = fullDisk(50_000);
      expect(disk50k).toBeDefined();
      await expect(cache.read('team/app', full.digest)).resolves.toMatchObject({ error: undefined });
    }

    const left = blob('left');
    const stepped = new SteppedBlob(left);
    upstream.on('GET', pathOf(left), stepped.answer);
    const pulled = await cache.get('team/app', left.digest);
    await cache.head('team/app', left.digest);
    if (pulled.kind === 'blob') await pulled.source.close();
    await stepped.finish();
    await cache.tells('fill-finished', 2);

    await vi.waitFor(async () => expect(await openFiles(disk.root)).toBe(before), { timeout: 20_000 });
    expect(cache.blobs.runningFills).toBe(0);
    for (const { digest } of [stored, left]) await expect(removable(cache, digest)).resolves.toBe(true);
  },
);

test('a slow client that waits hundreds of times leaves no listener behind', async () => {
  await using disk = await openTestStore();
  await using upstream = await startScriptedUpstream();
  const content = seededContent('listeners', 2_000);
  const stepped = new SteppedBlob(content);
  upstream.on('GET', `/v2/team/app/blobs/${content.digest}`, stepped.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const client = new AbortController();
  const added = vi.spyOn(client.signal, 'addEventListener');
  const removed = vi.spyOn(client.signal, 'removeEventListener');
  for (let position = 0; position < 300; position += 1) {
    const reading = pulled.source.read(Buffer.alloc(1), position, client.signal);
    await stepped.sendTo(position + 2);
    await expect(reading).resolves.toBe(1);
  }
  expect(added.mock.calls.length).toBeGreaterThan(0);
  expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  await stepped.finish();
  await readResult(pulled, 300);
});

test('a fill that is cut many times leaves no listener behind', async () => {
  await using disk = await openTestStore();
  await using upstream = await startScriptedUpstream();
  const content = seededContent('many cuts', 60_000);
  upstream.always('GET', `/v2/team/app/blobs/${content.digest}`, sendsCutting(content, 30));
  // Leaving the scope throws if Node has warned of too many listeners.
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.read('team/app', content.digest)).resolves.toMatchObject({ error: undefined });
  expect(cache.told('fill-resumed')).toHaveLength(30);
});

test('many followers of one fill, and one client with many requests, raise no warning', async () => {
  await using disk = await openTestStore();
  await using upstream = await startScriptedUpstream();
  const content = seededContent('many followers', SIZE_BYTES);
  const stepped = new SteppedBlob(content);
  const manifest = bytesContent(Buffer.from('{"schemaVersion":2}'));
  upstream.on('GET', `/v2/team/app/blobs/${content.digest}`, stepped.answer);
  upstream.on('GET', '/v2/team/app/manifests/latest', sends(manifest, { contentType: OCI_MANIFEST }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const followers = await Promise.all(
    Array.from({ length: 100 }, async () => await cache.get('team/app', content.digest)),
  );
  const reading = Promise.all(followers.map(async (follower) => await readResult(follower)));
  await stepped.sendTo(50_000);
  await stepped.finish();
  for (const { error } of await reading) expect(error).toBeUndefined();
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 5 }, async () => await cache.manifest('team/app', 'latest')));
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const pulled = await cache.get('team/app', content.digest, signal);
      if (pulled.kind === 'blob') await readSource(pulled.source, 0, 100);
      if (pulled.kind === 'blob') await pulled.source.close();
    }),
  );
});
