import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import type { Answer, AskOptions } from '../../fixtures/client.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { sendsGated } from '../../fixtures/sends-gated.ts';

const SIZE = 100_000;

let origin: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  cache = await startCache({ origin: origin.url });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** A blob that nobody has asked for yet. */
let blob: Content;
let path: string;
let etag: string;
let blobs = 0;
beforeEach(() => {
  blobs += 1;
  blob = seededContent(`registry blob ${blobs}`, SIZE);
  path = pathOf(blob);
  origin.always('HEAD', path, sends(blob));
  etag = `"${blob.digest}"`;
});

function pathOf({ digest }: Content): string {
  return `/v2/lib/app/blobs/${digest}`;
}

type Place = 'on a hit' | 'on a miss' | 'during a fill';
const PLACES: readonly Place[] = ['on a hit', 'on a miss', 'during a fill'];

/** Asks while the blob is stored, unknown, or in the middle of its fill. */
async function askAt(place: Place, options: AskOptions): Promise<{ answer: Answer; bytes: Buffer }> {
  if (place !== 'during a fill') origin.always('GET', path, sends(blob));
  if (place === 'on a hit') {
    const finished = cache.tells('fill-finished', cache.told('fill-finished').length + 1);
    await (await cache.ask(path)).bytes();
    await finished;
  }
  if (place !== 'during a fill') {
    const answer = await cache.ask(path, options);
    return { answer, bytes: await answer.bytes() };
  }
  const gate = Promise.withResolvers<void>();
  origin.on('GET', path, sendsGated(blob, gate.promise));
  const first = await cache.ask(path);
  const answer = await cache.ask(path, options);
  gate.resolve();
  const bytes = await answer.bytes();
  expect(await first.bytes()).toEqual(blob.read(0, SIZE));
  expect(origin.count('GET', path)).toBe(1);
  return { answer, bytes };
}

describe.each(PLACES)('GET of a blob %s', (place) => {
  it('sends the bytes with every header that clients need', async () => {
    const { answer, bytes } = await askAt(place, {});
    expect(answer.status).toBe(200);
    expect(bytes).toEqual(blob.read(0, SIZE));
    expect(answer.headers).toMatchObject({
      'content-length': String(SIZE),
      'content-type': 'application/octet-stream',
      'docker-content-digest': blob.digest,
      'docker-distribution-api-version': 'registry/2.0',
      'accept-ranges': 'bytes',
      etag: etag,
      'cache-control': 'max-age=31536000',
    });
    expect(answer.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['bytes=0-', 0, SIZE - 1],
    ['bytes=0-0', 0, 0],
    ['bytes=1000-1999', 1000, 1999],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    ['bytes=50000-18446744073709551615', 50_000, SIZE - 1],
    ['bytes=-7', SIZE - 7, SIZE - 1],
    [`bytes=-${SIZE * 2}`, 0, SIZE - 1],
  ])('answers %s with 206 and that part', async (range, start, end) => {
    const { answer, bytes } = await askAt(place, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBe(`bytes ${start}-${end}/${SIZE}`);
    expect(answer.headers['content-length']).toBe(String(end - start + 1));
    expect(bytes.equals(blob.read(start, end - start + 1))).toBe(true);
  });
});

describe('ranges', () => {
  it.each(PLACES)('beyond the end are answered with 416 and the length, %s', async (place) => {
    const { answer, bytes } = await askAt(place, { headers: { range: `bytes=${SIZE}-` } });
    expect(answer.status).toBe(416);
    expect(answer.headers['content-range']).toBe(`bytes */${SIZE}`);
    expect(JSON.parse(bytes.toString())).toMatchObject({ errors: [{ code: 'RANGE_INVALID' }] });
  });

  it.each(['bytes=9-3', 'bytes=a-b', 'bytes=', 'bytes', 'chunks=0-1', 'bytes=0-9,5-3', 'bytes=0-,0-0'])(
    'such as %s get the whole blob, never a part',
    async (range) => {
      const { answer, bytes } = await askAt('on a miss', { headers: { range } });
      expect(answer.status).toBe(200);
      expect(answer.headers['content-range']).toBeUndefined();
      expect(bytes).toEqual(blob.read(0, SIZE));
    },
  );

  it.each(PLACES)('such as several get a part for each, in their order, %s', async (place) => {
    const range = `bytes=0-99, 200-299,-5,${SIZE}-,150-150`;
    const { answer, bytes } = await askAt(place, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers['content-range']).toBeUndefined();
    expect(answer.headers['content-length']).toBe(String(bytes.length));
    const type = /^multipart\/byteranges; boundary=(?<boundary>[\w-]+)$/.exec(
      answer.headers['content-type'] ?? '',
    );
    const boundary = type?.groups?.['boundary'] ?? 'none';
    const parts = [
      [0, 99],
      [200, 299],
      [SIZE - 5, SIZE - 1],
      [150, 150],
    ].map(([start = 0, end = 0]) => {
      const head = `Content-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end}/${SIZE}`;
      return `--${boundary}\r\n${head}\r\n\r\n${blob.read(start, end - start + 1).toString('latin1')}\r\n`;
    });
    expect(bytes.toString('latin1')).toBe(`${parts.join('')}--${boundary}--\r\n`);
  });

  it('of which one lies within the blob are that one', async () => {
    const { answer, bytes } = await askAt('on a hit', { headers: { range: `bytes=10-19,${SIZE}-` } });
    expect([answer.status, answer.headers['content-range']]).toEqual([206, `bytes 10-19/${SIZE}`]);
    expect(bytes).toEqual(blob.read(10, 10));
  });

  it('count only if the blob is the one of `If-Range`', async () => {
    const range = 'bytes=10-19';
    expect((await askAt('on a miss', { headers: { range, 'if-range': etag } })).answer.status).toBe(206);
    for (const condition of ['"sha256:other"', `W/${etag}`, 'Thu, 01 Jan 2026 00:00:00 GMT']) {
      const answer = await cache.ask(path, { headers: { range, 'if-range': condition } });
      expect((await answer.bytes()).length).toBe(SIZE);
    }
  });

  it('mean nothing to HEAD', async () => {
    const answer = await cache.ask(path, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect([answer.status, answer.headers['content-length']]).toEqual([200, String(SIZE)]);
  });
});

describe('HEAD of a blob', () => {
  it('is the origin’s answer on a miss, without a download', async () => {
    const answer = await cache.ask(path, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-length': String(SIZE),
      'docker-content-digest': blob.digest,
      'accept-ranges': 'bytes',
      etag: etag,
    });
    expect([origin.count('HEAD', path), origin.count('GET', path)]).toEqual([1, 0]);
  });

  it('asks nobody on a hit', async () => {
    const { answer } = await askAt('on a hit', { method: 'HEAD' });
    expect(answer.headers['content-length']).toBe(String(SIZE));
    expect(origin.count('HEAD', path)).toBe(0);
  });

  it('is 404 only where the origin says so', async () => {
    const unknown = pathOf(seededContent('unknown', 10));
    origin.on('HEAD', unknown, says(404));
    const answer = await cache.ask(unknown, { method: 'HEAD' });
    expect(answer.status).toBe(404);
    expect((await answer.bytes()).length).toBe(0);
  });
});

describe('If-None-Match', () => {
  it.each(PLACES)('with the digest gets 304 and no body, %s', async (place) => {
    const { answer, bytes } = await askAt(place, { headers: { 'if-none-match': etag } });
    expect([answer.status, bytes.length]).toEqual([304, 0]);
    // 0 would claim that the blob is empty.
    expect(answer.headers['content-length'] ?? String(SIZE)).toBe(String(SIZE));
    expect(answer.headers.etag).toBe(etag);
  });

  it('may be weak, one of several, or a star', async () => {
    for (const value of [`W/${etag}`, `"x", ${etag}`, '*']) {
      expect((await cache.ask(path, { headers: { 'if-none-match': value } })).status).toBe(304);
    }
    expect(origin.count('GET', path)).toBe(0);
  });

  it('with anything else gets the blob', async () => {
    const { bytes } = await askAt('on a miss', { headers: { 'if-none-match': '"sha256:other"' } });
    expect(bytes.length).toBe(SIZE);
  });

  it('is no way to learn of a blob that the origin does not have', async () => {
    const unknown = pathOf(seededContent('unknown', 10));
    origin.on('HEAD', unknown, says(404));
    expect((await cache.ask(unknown, { headers: { 'if-none-match': '*' } })).status).toBe(404);
  });
});

describe('a blob of no bytes', () => {
  it('is served whole, and every range of it lies beyond the end', async () => {
    const empty = seededContent('empty', 0);
    const emptyPath = pathOf(empty);
    origin.always('GET', emptyPath, sends(empty)).always('HEAD', emptyPath, sends(empty));
    const answer = await cache.ask(emptyPath);
    expect([answer.status, answer.headers['content-length'], (await answer.bytes()).length]).toEqual([
      200,
      '0',
      0,
    ]);
    const ranged = await cache.ask(emptyPath, { headers: { range: 'bytes=0-' } });
    expect([ranged.status, ranged.headers['content-range']]).toEqual([416, 'bytes */0']);
  });
});
