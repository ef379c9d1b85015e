import { afterAll, expect, test } from 'vitest';
import { hangs, sends } from '../../fixtures/behaviour.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import type { Exchange } from '../../fixtures/recording-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const SIZE_BYTES = 100_000;

function freshBlob(label: string): { content: Content; whole: Buffer; path: string } {
  const content = seededContent(`leaving ${label}`, SIZE_BYTES);
  return { content, whole: content.read(0, SIZE_BYTES), path: `/v2/team/app/blobs/${content.digest}` };
}

test('a client that leaves while the upstream has not answered hears no more of it', async () => {
  const { content, path } = freshBlob('left while opening');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, hangs());
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const client = new AbortController();
  const asked = cache.get('team/app', content.digest, client.signal);
  await upstream.asked('GET', path);
  client.abort(new Error('the client left'));
  await expect(asked).rejects.toThrow('the client left');
  expect(cache.blobs.runningFills).toBe(1);
});

test('a client that is gone already starts nothing that it would wait for', async () => {
  const { content, path } = freshBlob('gone already');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('HEAD', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const gone = AbortSignal.abort(new Error('the client left'));
  await expect(cache.get('team/app', content.digest, gone)).rejects.toThrow('the client left');
  await expect(cache.head('team/app', content.digest, gone)).rejects.toThrow('the client left');
});

test.each([
  { fillAfterAbort: true, clients: 3 },
  { fillAfterAbort: false, clients: 3 },
])('one client that leaves harms no other: %o', async ({ fillAfterAbort, clients }) => {
  const { content, whole, path } = freshBlob(`one leaves ${fillAfterAbort}`);
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort });
  const [first, ...others] = await Promise.all(
    Array.from({ length: clients }, async () => await cache.get('team/app', content.digest)),
  );
  await blob.sendTo(50_000);
  if (first?.kind === 'blob') {
    await first.source.close();
    await first.source.close();
  }
  const reading = Promise.all(others.map(async (other) => await readResult(other)));
  await blob.finish();
  for (const { bytes } of await reading) expect(bytes.equals(whole)).toBe(true);
  await cache.tells('fill-finished');
});

test('when all clients have left, the fill is finished for the next one', async () => {
  const { content, path } = freshBlob('finished for the next');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  await blob.sendTo(50_000);
  if (pulled.kind === 'blob') await pulled.source.close();
  await blob.finish();
  await cache.tells('fill-finished');
  await expect(cache.read('team/app', content.digest)).resolves.toMatchObject({ outcome: 'hit' });
});

test('with fillafterabort off, the fill ends with its last client and leaves nothing', async () => {
  const { content, whole, path } = freshBlob('ends with its last client');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer).on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort: false });
  const pulled = await cache.get('team/app', content.digest);
  await blob.sendTo(50_000);
  if (pulled.kind === 'blob') await pulled.source.close();
  await cache.clock.advance(1_999);
  expect(cache.told('fill-failed')).toEqual([]);
  await cache.clock.advance(1);
  // Who comes now does not join what is ending.
  const next = cache.read('team/app', content.digest);
  await blob.left();
  expect((await next).bytes.equals(whole)).toBe(true);
  expect(cache.told('fill-failed')).toMatchObject([{ reason: 'nobody waits any more' }]);
});

test('with fillafterabort off, a client that leaves before the upstream has answered ends the fill', async () => {
  const { content, path } = freshBlob('leaves before the answer');
  await using upstream = await startScriptedUpstream();
  const closed = Promise.withResolvers<void>();
  upstream.on('GET', path, ({ response }) => void response.once('close', closed.resolve));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort: false });
  const client = new AbortController();
  const asked = cache.get('team/app', content.digest, client.signal);
  await upstream.asked('GET', path);
  client.abort(new Error('the client left'));
  await expect(asked).rejects.toThrow('the client left');
  await cache.clock.advance(2_000);
  await closed.promise;
  await cache.blobs[Symbol.asyncDispose]();
  expect((await disk.files()).filter((file) => file.includes(content.digest.slice(7)))).toEqual([]);
});

test('with fillafterabort off, a client that waits for its proof keeps the fill alive', async () => {
  const { content, whole, path } = freshBlob('waits for its proof');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  const asked = Promise.withResolvers<Exchange>();
  upstream.on('HEAD', `/v2/team/other/blobs/${content.digest}`, asked.resolve);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort: false });
  const first = await cache.get('team/app', content.digest);
  const second = cache.read('team/other', content.digest);
  const head = await asked.promise;
  if (first.kind === 'blob') await first.source.close();
  await sends(content)(head);
  await blob.finish();
  await expect(second).resolves.toMatchObject({ outcome: 'joined', error: undefined });
  expect((await second).bytes.equals(whole)).toBe(true);
  await cache.tells('fill-finished');
});

test('with fillafterabort off, a client that has all bytes leaves without harm to the store', async () => {
  const { content, path } = freshBlob('has all bytes');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort: false });
  await cache.read('team/app', content.digest);
  await expect(cache.read('team/app', content.digest)).resolves.toMatchObject({ error: undefined });
  await cache.tells('fill-finished');
  await expect(disk.store.hasBlob(content.digest)).resolves.toBe(true);
});
