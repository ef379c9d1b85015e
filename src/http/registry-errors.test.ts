import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hangs, says, sends } from '../../fixtures/behaviour.ts';
import type { Answer } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import { freePort } from '../../fixtures/free-port.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';

const BLOB = seededContent('errors', 200_000);
const SECRET = 'stack trace at db-7.internal:3306';
const MANIFEST_PATH = '/v2/lib/app/manifests/v1';
const BLOB_PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
const TAGS_PATH = '/v2/lib/app/tags/list';
const PATHS = [MANIFEST_PATH, BLOB_PATH, TAGS_PATH];

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

let origin: ScriptedUpstream;
let shared: RunningCache;
/** How the origin of the shared cache answers everything now. */
let now: Answerer;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  for (const path of PATHS)
    for (const method of ['GET', 'HEAD']) origin.always(method, path, (exchange) => now(exchange));
  shared = await startCache({ origin: origin.url });
});
afterAll(async () => {
  await shared[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** A cache over an origin that answers everything like this. */
function over(answer: Answerer): RunningCache {
  now = answer;
  return shared;
}

async function cacheOf(origin: string, downstream: readonly string[] = []): Promise<RunningCache> {
  const cache = await startCache({ origin, downstream });
  opened.push(cache);
  return cache;
}

/** Status and code, having seen that the form is the spec's and that nothing of the upstream shows. */
async function errorOf(answer: Answer): Promise<string> {
  const body = (await answer.bytes()).toString();
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
  const [error, ...others]: { code: string; message: string }[] = JSON.parse(body).errors;
  expect(others).toEqual([]);
  expect(typeof error?.message).toBe('string');
  for (const shown of [body, JSON.stringify(answer.headers)]) {
    expect(shown).not.toContain('internal');
    expect(shown).not.toMatch(/127\.0\.0\.1|ECONN|UND_ERR|localhost/);
  }
  return `${answer.status} ${error?.code}`;
}

describe('the origin’s refusal', () => {
  it.each([
    [404, ['404 MANIFEST_UNKNOWN', '404 BLOB_UNKNOWN', '404 NAME_UNKNOWN']],
    [403, ['403 DENIED', '403 DENIED', '403 DENIED']],
    [401, ['403 DENIED', '403 DENIED', '403 DENIED']],
  ])('%s becomes %s', async (status, expected) => {
    const cache = over(says(status, { 'www-authenticate': 'Basic realm="x.internal"' }, SECRET));
    const answers = await Promise.all(PATHS.map(async (path) => errorOf(await cache.ask(path))));
    expect(answers).toEqual(expected);
    const heads = await Promise.all(PATHS.slice(0, 2).map((path) => cache.ask(path, { method: 'HEAD' })));
    for (const head of heads) {
      expect(head.status).toBe(status === 404 ? 404 : 403);
      expect(head.headers['www-authenticate']).toBeUndefined();
    }
  });
});

describe('an upstream that fails', () => {
  it.each<[string, Answerer, string]>([
    ['with 500', says(500, {}, SECRET), '502 UNAVAILABLE'],
    ['with 400', says(400, {}, SECRET), '502 UNAVAILABLE'],
    ['by a redirect to nowhere', says(307, { location: 'http://[internal' }), '502 UNAVAILABLE'],
    ['by hanging up', ({ request }) => void request.socket.destroy(), '502 UNAVAILABLE'],
    ['because it sees a loop', says(508, {}, SECRET), '508 UNSUPPORTED'],
  ])('%s is no 404', async (_what, answer, expected) => {
    const cache = over(answer);
    const failed = cache.told('upstream-failed').length;
    for (const path of PATHS) {
      const got = await cache.ask(path);
      expect(await errorOf(got)).toBe(expected);
      expect(got.headers['retry-after']).toBe(expected.startsWith('502') ? '5' : undefined);
    }
    expect((await cache.ask(BLOB_PATH, { method: 'HEAD' })).status).toBe(Number(expected.slice(0, 3)));
    expect(cache.told('upstream-failed').length - failed).toBeGreaterThanOrEqual(3);
    expect(cache.told('internal-error')).toEqual([]);
  });

  it('because it is down is 502, at once', async () => {
    const cache = await cacheOf(`http://127.0.0.1:${await freePort()}`);
    for (const path of PATHS) {
      const answer = await cache.ask(path);
      expect(answer.headers['retry-after']).toBe('5');
      expect(await errorOf(answer)).toBe('502 UNAVAILABLE');
    }
    expect(cache.told('upstream-failed')[0]).toMatchObject({ reason: 'connection refused' });
  });

  it('because it does not answer is 504', async () => {
    now = hangs();
    const cache = await cacheOf(origin.url, ['timeouts: {headers: 100ms}']);
    const answers = await Promise.all(PATHS.map((path) => cache.ask(path)));
    for (const answer of answers) {
      expect(answer.headers['retry-after']).toBe('5');
      expect(await errorOf(answer)).toBe('504 UNAVAILABLE');
    }
  });

  it.each([
    [{ 'retry-after': '17' }, '17'],
    [{}, '5'],
  ])('with 429 and %o asks clients to come back after %s seconds', async (headers, retryAfter) => {
    now = says(429, headers, SECRET);
    const cache = await cacheOf(origin.url);
    for (const path of PATHS) {
      const answer = await cache.ask(path);
      expect(answer.headers['retry-after']).toBe(retryAfter);
      expect(await errorOf(answer)).toBe('503 UNAVAILABLE');
    }
  });

  it('after the head ends the connection short, without a word', async () => {
    const cut = await startScriptedUpstream();
    opened.push(cut);
    cut
      .on('GET', BLOB_PATH, sends(BLOB, { cutAfterBytes: 100_000 }))
      .always('GET', BLOB_PATH, says(400, {}, SECRET));
    const cache = await cacheOf(cut.url);
    const answer = await cache.ask(BLOB_PATH);
    expect(answer.status).toBe(200);
    const pieces: Buffer[] = [];
    answer.body.on('data', (piece: Buffer) => pieces.push(piece));
    await new Promise((resolve) => {
      answer.body.once('error', resolve);
    });
    const got = Buffer.concat(pieces);
    expect(got).toEqual(BLOB.read(0, got.length));
    expect(got.length).toBeLessThan(BLOB.sizeBytes);
    await cache.tells('request');
    expect(cache.told('request')[0]).toMatchObject({ status: 200, complete: false, bytesSent: got.length });
  });

  it('after the head of a body without a length ends without the last chunk', async () => {
    const cut = await startScriptedUpstream();
    opened.push(cut);
    cut
      .on('GET', BLOB_PATH, sends(BLOB, { chunked: true, cutAfterBytes: 100_000 }))
      .always('GET', BLOB_PATH, says(400));
    const cache = await cacheOf(cut.url);
    const answer = await cache.ask(BLOB_PATH);
    expect(answer.headers['content-length']).toBeUndefined();
    expect((await answer.drain()).complete).toBe(false);
  });
});

describe('a write', () => {
  it.each([
    ['POST', '/v2/lib/app/blobs/uploads/'],
    ['POST', '/v2/lib/app/blobs/uploads/?mount=x&from=y'],
    ['PATCH', '/v2/lib/app/blobs/uploads/1-2-3'],
    ['PUT', `/v2/lib/app/blobs/uploads/1-2-3?digest=${BLOB.digest}`],
    ['GET', '/v2/lib/app/blobs/uploads/1-2-3'],
    ['PUT', MANIFEST_PATH],
    ['DELETE', MANIFEST_PATH],
    ['DELETE', BLOB_PATH],
    ['POST', '/v2/'],
  ])('%s %s is refused: a cache is read-only', async (method, path) => {
    const before = origin.requests.length;
    const cache = shared;
    const answer = await cache.ask(path, { method });
    expect(answer.headers.allow).toBe('GET, HEAD');
    expect(await errorOf(answer)).toBe('405 UNSUPPORTED');
    expect(origin.requests).toHaveLength(before);
  });
});

describe('a request that makes no sense', () => {
  it('is refused by name, without a question to the origin', async () => {
    const before = origin.requests.length;
    const cache = shared;
    for (const [path, expected] of [
      ['/v2/LIB/manifests/v1', '400 NAME_INVALID'],
      ['/v2/lib/..%2f..%2fetc/manifests/v1', '400 NAME_INVALID'],
      ['/v2/lib/manifests/.v1', '400 TAG_INVALID'],
      ['/v2/lib/blobs/sha256:12', '400 DIGEST_INVALID'],
      ['/v2/lib/tags/list?n=many', '400 PAGINATION_NUMBER_INVALID'],
      ['/v2/lib/manifests/v1?ns=169.254.169.254', '404 NAME_UNKNOWN'],
      ['/nothing', '404 UNSUPPORTED'],
    ] as const) {
      const answer = await cache.ask(path);
      const [error] = JSON.parse((await answer.bytes()).toString()).errors;
      expect([path, `${answer.status} ${error.code}`]).toEqual([path, expected]);
    }
    expect(origin.requests).toHaveLength(before);
  });
});
