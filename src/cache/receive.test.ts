import { afterAll, expect, test } from 'vitest';
import { hangsUp, says, sends, sendsCutting } from '../../fixtures/behaviour.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const SIZE_BYTES = 100_000;

function freshBlob(label: string): { content: Content; whole: Buffer; path: string } {
  const content = seededContent(`receive ${label}`, SIZE_BYTES);
  return { content, whole: content.read(0, SIZE_BYTES), path: `/v2/team/app/blobs/${content.digest}` };
}

/** What a server calls the content that it sends, whatever that is. */
function nameOf({ digest }: Content): Readonly<Record<string, string>> {
  return { 'docker-content-digest': digest };
}

test('an upstream that is cut ten times with progress is resumed at once at the same byte', async () => {
  const { content, whole, path } = freshBlob('ten cuts');
  await using upstream = await startScriptedUpstream();
  upstream.always('GET', path, sendsCutting(content, 10));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.error).toBeUndefined();
  expect(read.bytes.equals(whole)).toBe(true);
  const share = Math.ceil(SIZE_BYTES / 11);
  const offsets = Array.from({ length: 10 }, (_, index) => (index + 1) * share);
  expect(upstream.requests.map((request) => request.headers.range)).toEqual([
    undefined,
    ...offsets.map((offset) => `bytes=${offset}-`),
  ]);
  expect(cache.sleeps).toEqual([]);
  expect(cache.told('fill-resumed')).toEqual(
    offsets.map((offsetBytes) => ({
      kind: 'fill-resumed',
      digest: content.digest,
      upstream: upstream.url.slice('http://'.length),
      offsetBytes,
      reason: 'the connection was cut',
    })),
  );
});

test('cuts without progress are retried after 0.1, 0.3, 1, 2 and 4 s, then the fill fails', async () => {
  const { content, whole, path } = freshBlob('no progress');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 40_000 }));
  upstream.always('GET', path, sends(content, { cutAfterBytes: 0 }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  for (const [index, delayMs] of [100, 300, 1_000, 2_000, 4_000].entries()) {
    await cache.slept(index + 1);
    expect(cache.sleeps.at(-1)).toBe(delayMs);
    await cache.clock.advance(delayMs);
  }
  const read = await reading;
  expect(read.error).toMatchObject({ name: 'UpstreamError', kind: 'cut' });
  expect(read.bytes.equals(whole.subarray(0, 40_000))).toBe(true);
  expect(cache.told('fill-resumed')).toEqual([]);
  await cache.until(() => cache.blobs.runningFills === 0 || cache.told('fill-failed').length > 0);
  expect(cache.told('fill-failed')).toEqual([
    {
      kind: 'fill-failed',
      digest: content.digest,
      upstream: upstream.url.slice('http://'.length),
      offsetBytes: 40_000,
      reason: 'the connection was cut',
    },
  ]);
  expect(cache.sleeps).toEqual([100, 300, 1_000, 2_000, 4_000]);
  await cache.blobs[Symbol.asyncDispose]();
  expect((await disk.files()).filter((file) => file.includes(content.digest.slice(7)))).toEqual([]);
});

test('a byte of progress renews the budget', async () => {
  const { content, whole, path } = freshBlob('renewed');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 100 }));
  for (let round = 0; round < 3; round += 1) {
    upstream.on('GET', path, sends(content, { cutAfterBytes: 0 }), 2);
    upstream.on('GET', path, sends(content, { cutAfterBytes: 1 }));
  }
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  const expected: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    for (const delayMs of [100, 300]) {
      expected.push(delayMs);
      await cache.slept(expected.length);
      await cache.clock.advance(delayMs);
    }
  }
  expect((await reading).bytes.equals(whole)).toBe(true);
  expect(cache.sleeps).toEqual(expected);
  expect(upstream.unasked).toEqual([]);
});

test('an upstream that is down or busy for a while is waited for', async () => {
  const { content, whole, path } = freshBlob('down for a while');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 5_000 }));
  upstream.on('GET', path, hangsUp(), 2);
  upstream.on('GET', path, says(503));
  upstream.on('GET', path, says(500));
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  for (const [index, delayMs] of [100, 300, 1_000].entries()) {
    await cache.slept(index + 1);
    await cache.clock.advance(delayMs);
  }
  expect((await reading).bytes.equals(whole)).toBe(true);
  expect(cache.sleeps).toEqual([100, 300, 1_000]);
});

test('an upstream that ignores the range is read again from byte 0, and what is known is dropped', async () => {
  const { content, whole, path } = freshBlob('ignores ranges');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 33_333 }));
  upstream.on('GET', path, sends(content, { ignoreRange: true }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.error).toBeUndefined();
  expect(read.bytes.equals(whole)).toBe(true);
  await cache.tells('fill-finished');
  expect(cache.told('fill-finished')[0]?.sizeBytes).toBe(SIZE_BYTES);
});

test('one that begins at 0 again and breaks off before it was before makes no progress', async () => {
  const { content, whole, path } = freshBlob('shorter each time');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 30_000 }));
  upstream.on('GET', path, sends(content, { ignoreRange: true, cutAfterBytes: 29_999 }));
  upstream.on('GET', path, sends(content, { ignoreRange: true }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  await cache.slept(1);
  await cache.clock.advance(100);
  expect((await reading).bytes.equals(whole)).toBe(true);
  expect(cache.sleeps).toEqual([100]);
});

test('a resume that tells another size fails the fill at once', async () => {
  const { content, whole, path } = freshBlob('another size');
  const other = seededContent('longer', SIZE_BYTES + 1);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 10_000 }));
  upstream.on('GET', path, sends(other, { headers: nameOf(content) }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.length).toBeLessThanOrEqual(10_000);
  expect(read.bytes.equals(whole.subarray(0, read.bytes.length))).toBe(true);
  expect(read.error).toMatchObject({
    kind: 'protocol',
    message: 'the blob had 100000 bytes and now has 100001',
  });
  expect(cache.sleeps).toEqual([]);
});

test('a resume that is refused fails the fill at once', async () => {
  const { content, path } = freshBlob('refused later');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 10_000 }));
  upstream.on('GET', path, says(404));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.length).toBeLessThanOrEqual(10_000);
  expect(read.error).toMatchObject({
    kind: 'protocol',
    message: 'it answered 404 to the rest of a blob that it had begun',
  });
});

test('more bytes than announced fail the fill, and none of them is sent', async () => {
  const { content, whole, path } = freshBlob('too long');
  const longer = seededContent('receive too long', SIZE_BYTES + 5_000);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 10_000 }));
  upstream.on('GET', path, sends(longer, { ignoreRange: true, chunked: true, headers: nameOf(content) }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.length).toBeLessThan(SIZE_BYTES);
  expect(read.bytes.equals(whole.subarray(0, read.bytes.length))).toBe(true);
  expect(read.error).toMatchObject({
    kind: 'protocol',
    message: 'it sent more bytes than it announced',
  });
  await expect(disk.store.hasBlob(content.digest)).resolves.toBe(false);
});

test('tries that fail are no resumption: what goes on is told once, with what broke it off', async () => {
  const { content, whole, path } = freshBlob('fails, then goes on');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 40_000 }));
  upstream.on('GET', path, says(500)).on('GET', path, sends(content, { cutAfterBytes: 0 }));
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  for (const [index, delayMs] of [100, 300].entries()) {
    await cache.slept(index + 1);
    await cache.clock.advance(delayMs);
  }
  expect((await reading).bytes.equals(whole)).toBe(true);
  expect(upstream.requests).toHaveLength(4);
  expect(cache.told('fill-resumed')).toMatchObject([
    { offsetBytes: 40_000, reason: 'the connection was cut' },
  ]);
});

test('a clean end before the announced size is a cut', async () => {
  const { content, whole, path } = freshBlob('ends early');
  const shorter = seededContent('receive ends early', 60_000);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 10_000 }));
  upstream.on('GET', path, sends(shorter, { ignoreRange: true, chunked: true, headers: nameOf(content) }));
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.equals(whole)).toBe(true);
  expect(cache.told('fill-resumed').map(({ offsetBytes, reason }) => [offsetBytes, reason])).toEqual([
    [10_000, 'the connection was cut'],
    [60_000, 'the answer ended too early'],
  ]);
});

test('a cut of an upstream that tells no size is resumed too', async () => {
  const { content, whole, path } = freshBlob('cut without a size');
  await using upstream = await startScriptedUpstream();
  const begun = new SteppedBlob(content, { chunked: true });
  upstream.on('GET', path, begun.answer);
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  const reading = readResult(pulled);
  await begun.sendTo(50_000);
  await begun.cut();
  const read = await reading;
  expect(read.error).toBeUndefined();
  expect(read.bytes.equals(whole)).toBe(true);
});

test('an upstream that stops in the middle is asked again after its idle timeout', async () => {
  const { content, whole, path } = freshBlob('stalls');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { hangAfterBytes: 10_000 }));
  // On a busy machine the second answer may seem to stop as well.
  upstream.always('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk, idleTimeoutMs: 200 });
  expect((await cache.read('team/app', content.digest)).bytes.equals(whole)).toBe(true);
  expect(cache.told('fill-resumed')[0]).toMatchObject({
    offsetBytes: 10_000,
    reason: 'the answer stopped in its middle',
  });
});

test('a stopping daemon does not wait for the next try', async () => {
  const { content, path } = freshBlob('stopped while waiting');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { cutAfterBytes: 10_000 }));
  upstream.always('GET', path, hangsUp());
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reading = cache.read('team/app', content.digest);
  await cache.slept(1);
  await cache.blobs[Symbol.asyncDispose]();
  await expect(reading).resolves.toMatchObject({ error: { message: 'the daemon is stopping' } });
  expect(cache.sleeps).toEqual([100]);
});

test('a fill whose upstream is exchanged meanwhile resumes at the new one', async () => {
  const { content, whole, path } = freshBlob('exchanged');
  await using old = await startScriptedUpstream();
  await using next = await startScriptedUpstream();
  const begun = new SteppedBlob(content);
  old.on('GET', path, begun.answer);
  next.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: old.url, disk });
  const reading = cache.read('team/app', content.digest);
  await begun.sendTo(40_000);
  cache.useUpstream(next.url);
  await begun.cut();
  expect((await reading).bytes.equals(whole)).toBe(true);
  expect(next.requests).toHaveLength(1);
});
