import { afterAll, expect, test } from 'vitest';
import { hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import { type Content, bytesContent, seededContent } from '../bench/image/content.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, type TestCache } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import type { Digest } from '../oci/digest.ts';
import { BadContent } from './bad-content.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const SIZE_BYTES = 100_000;

function freshBlob(label: string): { content: Content; whole: Buffer; path: string } {
  const content = seededContent(`wrong ${label}`, SIZE_BYTES);
  return { content, whole: content.read(0, SIZE_BYTES), path: `/v2/team/app/blobs/${content.digest}` };
}

/** Waits until no fill runs, and tells which files the digest has left. */
async function leftOnDisk(cache: TestCache, digest: Digest): Promise<readonly string[]> {
  await cache.blobs[Symbol.asyncDispose]();
  return (await disk.files()).filter((file) => file.includes(digest.slice(7)));
}

test.each([{ chunked: false }, { chunked: true }])(
  'wrong bytes end the transfer short and leave nothing: %o',
  async (options) => {
    const { content, whole, path } = freshBlob(`ends short ${options.chunked}`);
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', path, sends(content, { wrongByteAt: SIZE_BYTES - 1, ...options }));
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    const read = await cache.read('team/app', content.digest);
    expect(read.bytes.length).toBeLessThan(SIZE_BYTES);
    expect(read.bytes.equals(whole.subarray(0, read.bytes.length))).toBe(true);
    expect(read.error).toMatchObject({ name: 'WrongDigestError', wanted: content.digest });
    const [event] = cache.told('digest-mismatch');
    expect(event).toEqual({
      kind: 'digest-mismatch',
      wanted: content.digest,
      got: event?.got,
      upstream: upstream.url.slice('http://'.length),
    });
    expect(event?.got).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(event?.got).not.toBe(content.digest);
    await expect(leftOnDisk(cache, content.digest)).resolves.toEqual([]);
    expect(cache.told('fill-failed')).toEqual([]);
    expect(cache.told('fill-finished')).toEqual([]);
  },
);

test('a digest that came wrong is not asked for again for five minutes', async () => {
  const { content, whole, path } = freshBlob('five minutes');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { wrongByteAt: 5 }));
  upstream.on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.read('team/app', content.digest);
  const refused = {
    kind: 'not-pulled',
    error: { code: 'UNAVAILABLE', status: 502, retryAfterSeconds: 60 },
    passage: { outcome: 'miss' },
  };
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject(refused);
  await cache.clock.advance(5 * 60_000 - 1);
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject(refused);
  expect(upstream.requests).toHaveLength(1);
  await cache.clock.advance(1);
  expect((await cache.read('team/app', content.digest)).bytes.equals(whole)).toBe(true);
});

test('whoever comes while a wrong fill is being cleared away gets a 502, not half a blob', async () => {
  const { content, path } = freshBlob('cleared away');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { wrongByteAt: 5 }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  let late: ReturnType<TestCache['get']> | undefined;
  cache.telemetry.subscribe((event) => {
    if (event.kind === 'digest-mismatch') late = cache.get('team/app', content.digest);
  });
  await cache.read('team/app', content.digest);
  await expect(late).resolves.toMatchObject({ kind: 'not-pulled', error: { status: 502 } });
});

test('a blob that is announced as empty and is not gets a 502 before any header', async () => {
  const { content, path } = freshBlob('announced as empty');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(bytesContent(Buffer.alloc(0))));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject({
    kind: 'not-pulled',
    error: { status: 502 },
  });
  expect(cache.told('digest-mismatch')).toMatchObject([
    { wanted: content.digest, got: bytesContent(Buffer.alloc(0)).digest },
  ]);
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject({ kind: 'not-pulled' });
  expect(upstream.requests).toHaveLength(1);
});

test('what is remembered of one upstream or digest says nothing of another', () => {
  const clock = new ManualClock();
  const bad = new BadContent(clock);
  const one = freshBlob('one').content.digest;
  const other = freshBlob('other').content.digest;
  bad.add(one, 'asia.test');
  expect(bad.has(one, 'asia.test')).toBe(true);
  expect(bad.has(one, 'origin.test')).toBe(false);
  expect(bad.has(other, 'asia.test')).toBe(false);
});

test.each([
  { status: 404, code: 'BLOB_UNKNOWN', answered: 404, message: 'the origin does not have it' },
  { status: 410, code: 'BLOB_UNKNOWN', answered: 404, message: 'the origin does not have it' },
  { status: 401, code: 'DENIED', answered: 403, message: 'the origin denies it to this cache' },
  { status: 403, code: 'DENIED', answered: 403, message: 'the origin denies it to this cache' },
])('an origin that answers $status is quoted as $code, and nothing is written', async (row) => {
  const { content, path } = freshBlob(`refused ${row.status}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, says(row.status, { age: '7' }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.get('team/app', content.digest)).resolves.toEqual({
    kind: 'not-pulled',
    error: expect.objectContaining({ code: row.code, status: row.answered, message: row.message }),
    passage: {
      outcome: 'miss',
      missReason: 'refused',
      trail: expect.objectContaining({ status: row.status, ageSeconds: 7 }),
      upstreamMs: 0,
    },
  });
  expect(cache.events).toEqual([]);
  await expect(leftOnDisk(cache, content.digest)).resolves.toEqual([]);
});

test.each([
  {
    name: 'hangs up',
    answer: hangsUp(),
    status: 502,
    retryAfterSeconds: 5,
    reason: 'the connection was cut',
  },
  { name: 'says 500', answer: says(500), status: 502, retryAfterSeconds: 5, reason: 'it answered 500' },
  { name: 'says 429', answer: says(429), status: 503, retryAfterSeconds: 5, reason: 'it answered 429' },
  {
    name: 'says 503',
    answer: says(503, { 'retry-after': '17' }),
    status: 503,
    retryAfterSeconds: 17,
    reason: 'it answered 503',
  },
])('an upstream that $name at first gives $status at once', async (row) => {
  const { content, path } = freshBlob(`fails ${row.name}`);
  await using upstream = await startScriptedUpstream();
  upstream.always('GET', path, row.answer);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.get('team/app', content.digest)).resolves.toEqual({
    kind: 'not-pulled',
    error: expect.objectContaining({
      code: 'UNAVAILABLE',
      status: row.status,
      retryAfterSeconds: row.retryAfterSeconds,
    }),
    passage: { outcome: 'miss', missReason: 'failed', trail: undefined, upstreamMs: 0 },
  });
  expect(cache.events).toEqual([
    {
      kind: 'upstream-failed',
      upstream: upstream.url.slice('http://'.length),
      request: `blob ${content.digest} of docker.io/team/app`,
      reason: row.reason,
      hint: undefined,
    },
  ]);
  expect(cache.sleeps).toEqual([]);
  await expect(leftOnDisk(cache, content.digest)).resolves.toEqual([]);
});

test('after a failure the next request asks the upstream again', async () => {
  const { content, whole, path } = freshBlob('asks again');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, says(500)).on('GET', path, says(404)).on('GET', path, sends(content));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject({ error: { status: 502 } });
  await expect(cache.get('team/app', content.digest)).resolves.toMatchObject({ error: { status: 404 } });
  expect((await cache.read('team/app', content.digest)).bytes.equals(whole)).toBe(true);
});
