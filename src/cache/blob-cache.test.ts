import { afterAll, expect, test, vi } from 'vitest';
import { watchAskers } from '../../fixtures/askers.ts';
import { says, sends } from '../../fixtures/behaviour.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import type { Exchange } from '../../fixtures/recording-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult, repositoryOf } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { StoreWriteError } from '../store/store-write-error.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const SIZE_BYTES = 50_000;

interface Blob {
  readonly content: Content;
  readonly whole: Buffer;
  readonly path: string;
  /** The same blob through another repository. */
  readonly otherPath: string;
}

function freshBlob(label: string): Blob {
  const content = seededContent(`blob cache ${label}`, SIZE_BYTES);
  return {
    content,
    whole: content.read(0, SIZE_BYTES),
    path: `/v2/team/app/blobs/${content.digest}`,
    otherPath: `/v2/team/other/blobs/${content.digest}`,
  };
}

/** An answer that is given when the test says so. */
function heldBack(): { answer: (exchange: Exchange) => void; asked: Promise<Exchange> } {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  return { answer: resolve, asked: promise };
}

test('a stored blob is a hit that asks nobody, and each use is noted', async () => {
  const { content, whole, path } = freshBlob('hit');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const touched = vi.spyOn(disk.store, 'touch');
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  expect(touched.mock.calls).toEqual([[content.digest, cache.clock.now()]]);
  touched.mockClear();
  await cache.clock.advance(5_000);
  const startMs = cache.clock.now();
  const pulled = await cache.get('team/app', content.digest);
  expect(touched.mock.calls).toEqual([[content.digest, startMs]]);
  expect(pulled).toMatchObject({
    kind: 'blob',
    sizeBytes: SIZE_BYTES,
    passage: { outcome: 'hit', trail: undefined, upstreamMs: undefined },
  });
  await cache.clock.advance(1_000);
  expect((await readResult(pulled)).bytes.equals(whole)).toBe(true);
  expect(touched.mock.calls.at(-1)).toEqual([content.digest, startMs + 1_000]);
  touched.mockRestore();
});

test('a miss tells how the upstream answered and how long that took', async () => {
  const { content, path } = freshBlob('trail');
  await using upstream = await startScriptedUpstream();
  const held = heldBack();
  upstream.on('GET', path, held.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const asked = cache.get('team/app', content.digest);
  const exchange = await held.asked;
  await cache.clock.advance(250);
  await sends(content, { headers: { via: '1.1 origin' } })(exchange);
  const pulled = await asked;
  expect(pulled.passage).toMatchObject({
    outcome: 'miss',
    upstreamMs: 250,
    stored: true,
    trail: { status: 200, via: '1.1 origin' },
  });
  await readResult(pulled);
});

test('a reader whose client has left is told so at the next read', async () => {
  const { content, path } = freshBlob('left');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const gone = AbortSignal.abort(new Error('the client left'));
  await expect(pulled.source.read(Buffer.alloc(1), 0, gone)).rejects.toThrow('the client left');
  await pulled.source.close();
});

test('HEAD of what is not held asks the upstream by HEAD and downloads nothing', async () => {
  const { content, path } = freshBlob('cold head');
  await using upstream = await startScriptedUpstream();
  upstream.on('HEAD', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.head('team/app', content.digest)).resolves.toMatchObject({
    kind: 'head',
    sizeBytes: SIZE_BYTES,
    passage: { outcome: 'miss', trail: { status: 200 }, upstreamMs: 0 },
  });
  expect(cache.blobs.runningFills).toBe(0);
  await expect(disk.store.hasBlob(content.digest)).resolves.toBe(false);
});

test('many HEADs at once are one question', async () => {
  const { content, path } = freshBlob('many heads');
  await using upstream = await startScriptedUpstream();
  const held = heldBack();
  upstream.on('HEAD', path, held.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using askers = watchAskers(disk.store, 'openBlob');
  const client = new AbortController();
  const left = cache.head('team/app', content.digest, client.signal);
  const heads = Array.from({ length: 5 }, async () => await cache.head('team/app', content.digest));
  const exchange = await held.asked;
  await askers.came(6);
  client.abort(new Error('the client left'));
  await expect(left).rejects.toThrow('the client left');
  await sends(content)(exchange);
  for (const head of await Promise.all(heads)) expect(head).toMatchObject({ sizeBytes: SIZE_BYTES });
});

test.each([
  { status: 404, error: { code: 'BLOB_UNKNOWN', status: 404 }, failures: 0 },
  { status: 403, error: { code: 'DENIED', status: 403 }, failures: 0 },
  { status: 500, error: { code: 'UNAVAILABLE', status: 502 }, failures: 1 },
])('HEAD of what is not held passes $status on', async ({ status, error, failures }) => {
  const { content, path } = freshBlob(`head ${status}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('HEAD', path, says(status));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.head('team/app', content.digest)).resolves.toMatchObject({ kind: 'not-pulled', error });
  expect(cache.told('upstream-failed')).toHaveLength(failures);
});

test('HEAD of what is stored asks nobody and lets go of the blob', async () => {
  const { content, path } = freshBlob('stored head');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  await expect(cache.head('team/app', content.digest)).resolves.toEqual({
    kind: 'head',
    sizeBytes: SIZE_BYTES,
    passage: { outcome: 'hit', trail: undefined, upstreamMs: undefined },
  });
  await cache.clock.advance(1);
  const removal = await disk.store.remove(content.digest, { by: 'used', cutoffMs: cache.clock.now() });
  expect(removal.removed).toBe(true);
});

test('HEAD during a fill is answered from what the fill knows', async () => {
  const { content, whole, path } = freshBlob('head during a fill');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, fillAfterAbort: false });
  const reading = cache.read('team/app', content.digest);
  await blob.asked();
  await expect(cache.head('team/app', content.digest)).resolves.toMatchObject({
    kind: 'head',
    sizeBytes: SIZE_BYTES,
    passage: { outcome: 'joined', trail: { status: 200 } },
  });
  await blob.finish();
  expect((await reading).bytes.equals(whole)).toBe(true);
});

test('HEAD during a fill that is then refused is refused too', async () => {
  const { content, path } = freshBlob('head of a refused fill');
  await using upstream = await startScriptedUpstream();
  const held = heldBack();
  upstream.on('GET', path, held.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.get('team/app', content.digest);
  const exchange = await held.asked;
  const head = cache.head('team/app', content.digest);
  await says(404)(exchange);
  await expect(head).resolves.toMatchObject({ error: { code: 'BLOB_UNKNOWN' } });
  await expect(reading).resolves.toMatchObject({ error: { code: 'BLOB_UNKNOWN' } });
});

test('HEAD through another repository during a fill asks the upstream', async () => {
  const { content, path, otherPath } = freshBlob('head through another');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer).on('HEAD', otherPath, says(404));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  await blob.asked();
  await expect(cache.head('team/other', content.digest)).resolves.toMatchObject({
    error: { code: 'BLOB_UNKNOWN' },
  });
  await blob.finish();
  await reading;
});

test('a stored blob is served to another repository once the upstream has answered a HEAD for it there', async () => {
  const { content, whole, path, otherPath } = freshBlob('second repository');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('HEAD', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const pulled = await cache.get('team/other', content.digest);
  expect(pulled.passage).toMatchObject({ outcome: 'revalidated', trail: { status: 200 }, upstreamMs: 0 });
  expect((await readResult(pulled)).bytes.equals(whole)).toBe(true);
  await expect(cache.read('team/other', content.digest)).resolves.toMatchObject({ outcome: 'hit' });
  await expect(disk.store.isProven(repositoryOf('team/other'), content.digest, 'blob')).resolves.toBe(true);
  expect(upstream.requests).toHaveLength(2);
});

test('HEAD proves a stored blob for another repository as well', async () => {
  const { content, path, otherPath } = freshBlob('second repository by head');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('HEAD', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  await expect(cache.head('team/other', content.digest)).resolves.toMatchObject({
    sizeBytes: SIZE_BYTES,
    passage: { outcome: 'revalidated' },
  });
  await expect(cache.head('team/other', content.digest)).resolves.toMatchObject({
    passage: { outcome: 'hit' },
  });
});

test.each([
  { status: 404, error: { code: 'BLOB_UNKNOWN', status: 404 } },
  { status: 401, error: { code: 'DENIED', status: 403 } },
  { status: 503, error: { code: 'UNAVAILABLE', status: 503 } },
])('a stored blob is not served to a repository where the upstream answers $status', async (row) => {
  const { content, path, otherPath } = freshBlob(`not there ${row.status}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).always('HEAD', otherPath, says(row.status));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const refused = { kind: 'not-pulled', error: row.error, passage: { outcome: 'miss' } };
  await expect(cache.get('team/other', content.digest)).resolves.toMatchObject(refused);
  await expect(cache.head('team/other', content.digest)).resolves.toMatchObject(refused);
  await cache.clock.advance(1);
  // Nobody holds it any more.
  const removal = await disk.store.remove(content.digest, { by: 'used', cutoffMs: cache.clock.now() });
  expect(removal.removed).toBe(true);
});

test('a client that leaves while its proof is awaited lets go of the stored blob', async () => {
  const { content, path, otherPath } = freshBlob('leaves while proving');
  await using upstream = await startScriptedUpstream();
  const held = heldBack();
  upstream.on('GET', path, sends(content)).on('HEAD', otherPath, held.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const client = new AbortController();
  const asked = cache.get('team/other', content.digest, client.signal);
  await held.asked;
  client.abort(new Error('the client left'));
  await expect(asked).rejects.toThrow('the client left');
  await cache.clock.advance(1);
  const removal = await disk.store.remove(content.digest, { by: 'used', cutoffMs: cache.clock.now() });
  expect(removal.removed).toBe(true);
});

test('a proof that cannot be recorded is no reason to fail the client', async () => {
  const { content, whole, path, otherPath } = freshBlob('unrecorded proof');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('HEAD', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const proving = vi.spyOn(disk.store, 'prove').mockRejectedValue(new StoreWriteError('EROFS'));
  const read = await cache.read('team/other', content.digest);
  proving.mockRestore();
  expect(read.outcome).toBe('revalidated');
  expect(read.bytes.equals(whole)).toBe(true);
  expect(cache.told('store-write-failed')).toMatchObject([{ code: 'EROFS', digest: content.digest }]);
});

test('a follower uses its blob until it has read the last of it, however slow it is', async () => {
  const { content, path } = freshBlob('slow follower');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  await cache.tells('fill-finished');
  await cache.clock.advance(60_000);
  const touched = vi.spyOn(disk.store, 'touch');
  await readResult(pulled);
  expect(touched.mock.calls).toEqual([[content.digest, cache.clock.now()]]);
  touched.mockRestore();
});

test('another repository joins a running fill once the upstream has answered a HEAD for it there', async () => {
  const { content, whole, path, otherPath } = freshBlob('joined through another');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer).on('HEAD', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.read('team/app', content.digest);
  await blob.asked();
  const pulled = await cache.get('team/other', content.digest);
  expect(pulled.passage.outcome).toBe('joined');
  expect(pulled.passage.stored).toBeUndefined();
  await blob.finish();
  expect((await readResult(pulled)).bytes.equals(whole)).toBe(true);
  await first;
  await cache.tells('fill-finished');
  // The HEAD was proof enough for the time after the fill too.
  await expect(cache.read('team/other', content.digest)).resolves.toMatchObject({ outcome: 'hit' });
});

test('another repository that the upstream refuses does not join', async () => {
  const { content, path, otherPath } = freshBlob('refused to another');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer).on('HEAD', otherPath, says(403));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.read('team/app', content.digest);
  await blob.asked();
  await expect(cache.get('team/other', content.digest)).resolves.toMatchObject({ error: { code: 'DENIED' } });
  await blob.finish();
  await expect(first).resolves.toMatchObject({ error: undefined });
});

test('a repository that has the blob does not suffer from one that is refused it', async () => {
  const { content, whole, path, otherPath } = freshBlob('one is refused');
  await using upstream = await startScriptedUpstream();
  const held = heldBack();
  upstream.on('GET', path, held.answer);
  upstream.on('HEAD', otherPath, sends(content)).on('GET', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.get('team/app', content.digest);
  const exchange = await held.asked;
  const second = cache.read('team/other', content.digest);
  await upstream.asked('HEAD', otherPath);
  await says(404)(exchange);
  await expect(first).resolves.toMatchObject({ error: { code: 'BLOB_UNKNOWN' } });
  expect((await second).bytes.equals(whole)).toBe(true);
});

test('a fill that fails while another repository waits for its proof is not joined', async () => {
  const { content, whole, path, otherPath } = freshBlob('fails meanwhile');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  const held = heldBack();
  upstream.on('GET', path, blob.answer).on('GET', path, says(404));
  upstream.on('HEAD', otherPath, held.answer).on('GET', otherPath, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.read('team/app', content.digest);
  await blob.sendTo(10_000);
  const second = cache.read('team/other', content.digest);
  const exchange = await held.asked;
  await blob.cut();
  await cache.tells('fill-failed');
  await first;
  await sends(content)(exchange);
  const read = await second;
  expect(read.error).toBeUndefined();
  expect(read.outcome).toBe('miss');
  expect(read.bytes.equals(whole)).toBe(true);
});

test('a fill that is stored while another repository waits for its proof is read from the store', async () => {
  const { content, whole, path, otherPath } = freshBlob('stored meanwhile');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  const held = heldBack();
  upstream.on('GET', path, blob.answer).on('HEAD', otherPath, held.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.read('team/app', content.digest);
  await blob.asked();
  const second = cache.read('team/other', content.digest);
  const exchange = await held.asked;
  await blob.finish();
  await first;
  await cache.tells('fill-finished');
  await sends(content)(exchange);
  expect((await second).bytes.equals(whole)).toBe(true);
});
