import { afterAll, expect, test } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import { breakTempFolder, brokenSync, fullDisk } from '../../fixtures/broken-disk.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { openTestCache, readResult, readSource } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';

const disk = await openTestStore();
const broken = await openTestStore();
await breakTempFolder(broken);
afterAll(async () => {
  await disk[Symbol.asyncDispose]();
  await broken[Symbol.asyncDispose]();
});

const SIZE_BYTES = 200_000;

function freshBlob(label: string): { content: Content; whole: Buffer; path: string } {
  const content = seededContent(`bypass ${label}`, SIZE_BYTES);
  return { content, whole: content.read(0, SIZE_BYTES), path: `/v2/team/app/blobs/${content.digest}` };
}

test.each([{ chunked: false }, { chunked: true }])(
  'a store that takes nothing new is bypassed: %o',
  async (options) => {
    const { content, whole, path } = freshBlob(`takes nothing ${options.chunked}`);
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', path, sends(content, options));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
    const pulled = await cache.get('team/app', content.digest);
    expect(pulled.passage.stored).toBeUndefined();
    const read = await readResult(pulled);
    expect(read).toMatchObject({
      outcome: 'bypass',
      sizeBytes: options.chunked ? undefined : SIZE_BYTES,
      error: undefined,
    });
    expect(read.bytes.equals(whole)).toBe(true);
    expect(cache.events).toEqual([
      {
        kind: 'store-write-failed',
        code: 'ENOTDIR',
        digest: content.digest,
        reason: 'the store cannot be written: ENOTDIR',
      },
    ]);
    expect(cache.blobs.runningFills).toBe(0);
  },
);

test('a bypassed source that nobody reads asks the upstream for nothing', async () => {
  const { content, path } = freshBlob('nobody reads');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  expect(pulled.source.sizeBytes).toBe(SIZE_BYTES);
  await pulled.source.close();
  expect(upstream.requests).toHaveLength(1);
});

test.each([{ chunked: false }, { chunked: true }])(
  'wrong bytes end a bypass short and are remembered: %o',
  async (options) => {
    const { content, whole, path } = freshBlob(`wrong ${options.chunked}`);
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', path, sends(content, { wrongByteAt: SIZE_BYTES - 1, ...options }));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
    const read = await cache.read('team/app', content.digest);
    expect(read.bytes.length).toBeLessThan(SIZE_BYTES);
    expect(read.bytes.equals(whole.subarray(0, read.bytes.length))).toBe(true);
    expect(read.error).toMatchObject({ name: 'WrongDigestError', wanted: content.digest });
    expect(cache.told('digest-mismatch')).toMatchObject([
      {
        wanted: content.digest,
        got: expect.not.stringContaining(content.digest),
        upstream: upstream.url.slice(7),
      },
    ]);
    await expect(cache.get('team/app', content.digest)).resolves.toMatchObject({ error: { status: 502 } });
    expect(upstream.requests).toHaveLength(2);
  },
);

test('a bypass resumes an upstream that breaks off', async () => {
  const { content, whole, path } = freshBlob('resumes');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content));
  upstream.on('GET', path, sends(content, { cutAfterBytes: 70_000 }));
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  expect((await cache.read('team/app', content.digest)).bytes.equals(whole)).toBe(true);
  expect(upstream.requests.at(-1)?.headers.range).toBe('bytes=70000-');
});

test.each([
  { name: 'refuses', answer: says(404), message: 'the upstream refused what it had announced' },
  {
    name: 'sends another size',
    answer: sends(seededContent('bypass longer', SIZE_BYTES + 1)),
    message: 'the blob had 200000 bytes and now has 200001',
  },
])('an upstream that then $name ends the bypass short', async ({ name, answer, message }) => {
  const { content, path } = freshBlob(`then ${name}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('GET', path, answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes).toHaveLength(0);
  expect(read.error).toMatchObject({ message });
});

test('a longer blob than was announced is never sent as if it were whole', async () => {
  const { content, path } = freshBlob('longer than announced');
  await using upstream = await startScriptedUpstream();
  const headers = { 'docker-content-digest': content.digest };
  const longer = seededContent('longer than announced', SIZE_BYTES + 100_000);
  upstream.on('GET', path, sends(content)).on('GET', path, sends(longer, { chunked: true, headers }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.length).toBeLessThan(SIZE_BYTES);
  expect(read.error).toMatchObject({ message: 'it sent more bytes than it announced' });
});

test('a range is read by a range', async () => {
  const { content, whole, path } = freshBlob('range');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content)).on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const range = await readSource(pulled.source, 150_000, SIZE_BYTES);
  await pulled.source.close();
  expect(range.bytes.equals(whole.subarray(150_000))).toBe(true);
  expect(upstream.requests.at(-1)?.headers.range).toBe('bytes=150000-');
});

test('a client that stalls pauses the upstream, and one that leaves lets go of it', async () => {
  const content = seededContent('bypass stalls', 16 * 1024 * 1024);
  const path = `/v2/team/app/blobs/${content.digest}`;
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, sends(content)).on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const first = pulled.source.read(Buffer.alloc(1000), 0, new AbortController().signal);
  let sent = false;
  void blob.finish().then(() => (sent = true));
  await expect(first).resolves.toBe(1000);
  const half = await readSource(pulled.source, 1000, content.sizeBytes / 2);
  expect(half.bytes.length).toBe(content.sizeBytes / 2 - 1000);
  expect(sent).toBe(false);
  await pulled.source.close();
  await blob.left();
});

test('a big blob comes whole through a bypass', async () => {
  const content = seededContent('bypass big', 4 * 1024 * 1024 + 7);
  await using upstream = await startScriptedUpstream();
  upstream.always('GET', `/v2/team/app/blobs/${content.digest}`, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const read = await cache.read('team/app', content.digest);
  expect(read.bytes.equals(content.read(0, content.sizeBytes))).toBe(true);
});

test('a reader that aborts stops waiting', async () => {
  const { content, path } = freshBlob('aborts');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, sends(content)).on('GET', path, blob.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const client = new AbortController();
  const reading = pulled.source.read(Buffer.alloc(10), 0, client.signal);
  await blob.asked();
  client.abort(new Error('the client left'));
  await expect(reading).rejects.toThrow('the client left');
  await pulled.source.close();
  await blob.left();
});

test.each([{ roomBytes: 50_000 }, { roomBytes: 0 }])(
  'a disk that fills up in the middle costs no client a byte: %o',
  async ({ roomBytes }) => {
    const { content, whole, path } = freshBlob(`fills up ${roomBytes}`);
    await using upstream = await startScriptedUpstream();
    const blob = new SteppedBlob(content);
    upstream.on('GET', path, blob.answer).always('GET', path, sends(content));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    using full = fullDisk(roomBytes);
    expect(full).toBeDefined();
    const [first, second] = await Promise.all([
      cache.get('team/app', content.digest),
      cache.get('team/app', content.digest),
    ]);
    // Which of the two is first is the disk's affair.
    const begun = [first, second].map(({ passage }) => [passage.outcome, passage.stored]);
    const wanted = [
      ['joined', undefined],
      ['miss', true],
    ];
    expect(new Set(begun)).toEqual(new Set(wanted));
    const reading = Promise.all([readResult(first), readResult(second)]);
    await blob.sendTo(20_000);
    await blob.sendTo(120_000);
    await blob.finish();
    for (const read of await reading) {
      expect(read).toMatchObject({ outcome: 'bypass', error: undefined });
      expect(read.bytes.equals(whole)).toBe(true);
    }
    expect(cache.told('store-write-failed')).toEqual([
      {
        kind: 'store-write-failed',
        code: 'ENOSPC',
        digest: content.digest,
        reason: 'the store cannot be written: ENOSPC',
      },
    ]);
    for (const { passage } of [first, second]) expect(passage.stored).toBeUndefined();
    expect(cache.told('fill-failed')).toEqual([]);
    await cache.blobs[Symbol.asyncDispose]();
    expect((await disk.files()).filter((file) => file.includes(content.digest.slice(7)))).toEqual([]);
  },
);

test('after a disk has filled up, what comes by bypass is proven together with what was stored', async () => {
  const { content, whole, path } = freshBlob('proven together');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  upstream.on('GET', path, sends(content, { wrongByteAt: 150_000 }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using full = fullDisk(50_000);
  expect(full).toBeDefined();
  const pulled = await cache.get('team/app', content.digest);
  const reading = readResult(pulled);
  await blob.sendTo(120_000);
  await blob.finish();
  const read = await reading;
  expect(read.error).toMatchObject({ name: 'WrongDigestError' });
  expect(read.bytes.length).toBeLessThan(SIZE_BYTES);
  expect(read.bytes.subarray(0, 50_000).equals(whole.subarray(0, 50_000))).toBe(true);
  expect(upstream.requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  expect(cache.told('digest-mismatch')).toHaveLength(1);
});

test('a range beyond what was stored is served by bypass as well', async () => {
  const { content, whole, path } = freshBlob('range beyond');
  await using upstream = await startScriptedUpstream();
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer).on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using full = fullDisk(50_000);
  expect(full).toBeDefined();
  const pulled = await cache.get('team/app', content.digest);
  if (pulled.kind !== 'blob') throw pulled.error;
  const reading = readSource(pulled.source, 180_000, 190_000);
  await blob.sendTo(120_000);
  await blob.finish();
  expect((await reading).bytes.equals(whole.subarray(180_000, 190_000))).toBe(true);
  await pulled.source.close();
  expect(upstream.requests.at(-1)?.headers.range).toBe('bytes=180000-');
});

test.each([{ chunked: false }, { chunked: true }])(
  'a disk that fails once all bytes are proven costs no client a byte: %o',
  async (options) => {
    const { content, whole, path } = freshBlob(`fails at the end ${options.chunked}`);
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', path, sends(content, options));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    {
      using failing = brokenSync();
      expect(failing).toBeDefined();
      const read = await cache.read('team/app', content.digest);
      expect(read.error).toBeUndefined();
      expect(read.bytes.equals(whole)).toBe(true);
      await cache.tells('store-write-failed');
    }
    expect(cache.told('store-write-failed')).toMatchObject([{ code: 'EIO' }]);
    upstream.on('GET', path, sends(content));
    await expect(cache.read('team/app', content.digest)).resolves.toMatchObject({ outcome: 'miss' });
  },
);
