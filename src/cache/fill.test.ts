import { createHash } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult, readSource } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { formatDigest } from '../oci/digest.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const SIZE_BYTES = 300_000;

/** A blob that no other test has stored. */
function freshBlob(label: string): { content: Content; whole: Buffer; path: string } {
  const content = seededContent(`fill ${label}`, SIZE_BYTES);
  const whole = content.read(0, SIZE_BYTES);
  return { content, whole, path: `/v2/team/app/blobs/${content.digest}` };
}

function withSha512(of: Content): Content {
  const hex = createHash('sha512').update(of.read(0, of.sizeBytes)).digest('hex');
  return { ...of, digest: formatDigest('sha512', hex) };
}

test('twenty clients at once cost the upstream one GET, and each gets every byte', async () => {
  const { content, whole, path } = freshBlob('1');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const reads = await Promise.all(
    Array.from({ length: 20 }, async () => await cache.read('team/app', content.digest)),
  );
  for (const { bytes, sizeBytes } of reads) {
    expect(bytes.equals(whole)).toBe(true);
    expect(sizeBytes).toBe(content.sizeBytes);
  }
  expect(reads.map((read) => read.outcome).toSorted()).toEqual([
    ...Array.from({ length: 19 }, () => 'joined'),
    'miss',
  ]);
  await cache.tells('fill-finished');
  expect(cache.blobs.runningFills).toBe(0);
});

test('a client that comes in the middle of a fill joins it and reads from the first byte', async () => {
  const { content, whole, path } = freshBlob('2');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const first = cache.read('team/app', content.digest);
  await blob.sendTo(200_000);
  expect(cache.blobs.runningFills).toBe(1);
  const second = await cache.get('team/app', content.digest);
  expect(second).toMatchObject({ kind: 'blob', sizeBytes: 300_000, passage: { outcome: 'joined' } });
  await blob.finish();
  expect((await readResult(second)).bytes.equals(whole)).toBe(true);
  expect((await first).bytes.equals(whole)).toBe(true);
});

test('a follower reads a range as soon as it is there, long before the blob is whole', async () => {
  const { content, whole, path } = freshBlob('3');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const range = readSource(pulled.source, 100_000, 150_000);
  await blob.sendTo(150_000);
  expect((await range).bytes.equals(whole.subarray(100_000, 150_000))).toBe(true);
  expect(cache.told('fill-finished')).toEqual([]);
  await blob.finish();
  await pulled.source.close();
  await cache.tells('fill-finished');
});

test('the last byte waits until the digest is proven', async () => {
  const { content, path } = freshBlob('4');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content, { chunked: true });
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const { source } = pulled;
  await blob.sendTo(content.sizeBytes);
  const before = await readSource(source, 0, content.sizeBytes - 1);
  expect(before.bytes).toHaveLength(content.sizeBytes - 1);
  let came = false;
  const last = source
    .read(Buffer.alloc(10), content.sizeBytes - 1, new AbortController().signal)
    .finally(() => (came = true));
  await cache.disk.store.earliest('used');
  expect(came).toBe(false);
  await blob.finish();
  await expect(last).resolves.toBe(1);
  await expect(source.read(Buffer.alloc(1), content.sizeBytes, new AbortController().signal)).resolves.toBe(
    0,
  );
  await source.close();
});

test('where the size is known, the last byte waits all the same', async () => {
  const { content, whole, path } = freshBlob('5');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  await blob.sendTo(content.sizeBytes - 1);
  const before = await readSource(pulled.source, 0, content.sizeBytes - 1);
  expect(before.bytes.equals(whole.subarray(0, -1))).toBe(true);
  await blob.finish();
  expect((await readResult(pulled, content.sizeBytes - 1)).bytes).toEqual(whole.subarray(-1));
});

test('a finished fill leaves the blob, its proof and its index row, and nothing else', async () => {
  const { content, path } = freshBlob('6');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  await cache.tells('fill-finished');
  const { store, layout, root } = cache.disk;
  const { namespace, name } = cache.pull('team/app').repository;
  expect((await cache.disk.files()).filter((file) => file.includes(content.digest.slice(7)))).toEqual(
    [layout.blobFile(content.digest), layout.proofLink({ namespace, name }, content.digest, 'blob')].map(
      (file) => file.slice(root.length + 1),
    ),
  );
  await expect(store.isProven({ namespace, name }, content.digest, 'blob')).resolves.toBe(true);
  const upstreamName = upstream.url.slice('http://'.length);
  expect(cache.events).toEqual([
    {
      kind: 'fill-started',
      digest: content.digest,
      repository: 'docker.io/team/app',
      upstream: upstreamName,
      sizeBytes: 300_000,
    },
    {
      kind: 'fill-finished',
      connections: 1,
      digest: content.digest,
      upstream: upstreamName,
      sizeBytes: 300_000,
      durationMs: 0,
    },
  ]);
});

test('a fill counts how long it took', async () => {
  const { content, path } = freshBlob('7');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  await cache.clock.advance(1_234);
  await blob.finish();
  await readResult(pulled);
  await cache.tells('fill-finished');
  expect(cache.told('fill-finished')[0]?.durationMs).toBe(1_234);
});

test('an upstream without Content-Length is followed to its end', async () => {
  const { content, whole, path } = freshBlob('8');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { chunked: true }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', content.digest);
  expect(read.sizeBytes).toBeUndefined();
  expect(read.error).toBeUndefined();
  expect(read.bytes.equals(whole)).toBe(true);
  await cache.tells('fill-finished');
  await expect(cache.read('team/app', content.digest)).resolves.toMatchObject({
    outcome: 'hit',
    sizeBytes: 300_000,
  });
});

test('a blob of no bytes is stored like any other', async () => {
  await using upstream = await startScriptedUpstream();
  const empty = bytesContent(Buffer.alloc(0));
  upstream.on('GET', `/v2/team/app/blobs/${empty.digest}`, sends(empty));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.read('team/app', empty.digest)).resolves.toMatchObject({
    outcome: 'miss',
    sizeBytes: 0,
    error: undefined,
  });
  await cache.tells('fill-finished');
  await expect(cache.read('team/app', empty.digest)).resolves.toMatchObject({ outcome: 'hit', sizeBytes: 0 });
});

test('a blob of one byte comes whole', async () => {
  await using upstream = await startScriptedUpstream();
  const single = bytesContent(Buffer.from('x'));
  upstream.on('GET', `/v2/team/app/blobs/${single.digest}`, sends(single));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const read = await cache.read('team/app', single.digest);
  expect(read.bytes.toString()).toBe('x');
});

test.each([{ chunked: false }, { chunked: true }])(
  'a sha512 digest is proven as such: %o',
  async (options) => {
    const { content, whole } = freshBlob(`sha512 ${options.chunked}`);
    await using upstream = await startScriptedUpstream();
    const strong = withSha512(content);
    const spoilt = withSha512(seededContent(`spoilt ${options.chunked}`, 1_000));
    upstream.on('GET', `/v2/team/app/blobs/${strong.digest}`, sends(strong, options));
    upstream.on('GET', `/v2/team/app/blobs/${spoilt.digest}`, sends(spoilt, { wrongByteAt: 3, ...options }));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    expect((await cache.read('team/app', strong.digest)).bytes.equals(whole)).toBe(true);
    const short = await cache.read('team/app', spoilt.digest);
    expect(short.bytes.length).toBeLessThan(1_000);
    expect(short.error).toMatchObject({ name: 'WrongDigestError' });
    await cache.tells('fill-finished');
    await expect(cache.disk.store.hasBlob(strong.digest)).resolves.toBe(true);
  },
);

test('a slow follower slows neither the fill nor the others', async () => {
  await using upstream = await startScriptedUpstream();
  const big = seededContent('big', 6 * 1024 * 1024);
  upstream.on('GET', `/v2/team/app/blobs/${big.digest}`, sends(big));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const slow = await cache.get('team/app', big.digest);
  if (slow.kind !== 'blob') throw slow.error;
  await readSource(slow.source, 0, 1);
  const fast = await cache.read('team/app', big.digest);
  expect(fast.bytes.length).toBe(big.sizeBytes);
  await cache.tells('fill-finished');
  expect((await readResult(slow, 1)).bytes.equals(fast.bytes.subarray(1))).toBe(true);
});

test('tiny blobs under many clients at once cost one GET each, whenever their fills end', async () => {
  const { content } = freshBlob('10');
  await using upstream = await startScriptedUpstream();
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const tiny = Array.from({ length: 30 }, (_, index) => bytesContent(Buffer.from(`tiny ${index}`)));
  for (const { digest } of tiny) {
    const blob = tiny.find((each) => each.digest === digest) ?? content;
    upstream.on('GET', `/v2/team/app/blobs/${digest}`, sends(blob));
  }
  await Promise.all(
    tiny.map(async ({ digest }) => {
      let ended = false;
      const readers = Array.from({ length: 3 }, async () => {
        while (!ended) {
          const { outcome, bytes } = await cache.read('team/app', digest);
          expect(bytes.length).toBeGreaterThan(5);
          if (outcome === 'hit') ended = true;
        }
      });
      await Promise.all(readers);
    }),
  );
  expect(upstream.requests).toHaveLength(30);
  expect(cache.told('fill-finished')).toHaveLength(30);
});

test('stopping ends a running fill, fails its followers and leaves nothing on the disk', async () => {
  const { content, path } = freshBlob('11');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const pulled = await cache.get('team/app', content.digest);
  await blob.sendTo(1_000);
  const reading = readResult(pulled);
  await cache.blobs[Symbol.asyncDispose]();
  await expect(reading).resolves.toMatchObject({ error: { message: 'the daemon is stopping' } });
  expect(cache.blobs.runningFills).toBe(0);
  expect((await disk.files()).filter((file) => file.includes(content.digest.slice(7)))).toEqual([]);
  await blob.left();
});
