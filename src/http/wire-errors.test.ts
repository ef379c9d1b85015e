import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hangs, hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import type { Answer } from '../../fixtures/client.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import {
  type Answerer,
  type RecordingServer,
  startRecordingServer,
} from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { STATES, startWireCache } from '../../fixtures/wire-cache.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const HELD = seededContent('held', 50_000);
const UNKNOWN = seededContent('unknown', 50_000);
const FILLING = seededContent('filling', 50_000);
const MANIFEST = bytesContent(
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      layers: [{ digest: HELD.digest, size: HELD.sizeBytes, mediaType: 'x/y' }],
    }),
  ),
);
const SECRET = 'stack trace of db-7.internal:3306';

const PATHS = {
  'a blob on a hit': `/v2/lib/app/blobs/${HELD.digest}`,
  'a blob on a miss': `/v2/lib/app/blobs/${UNKNOWN.digest}`,
  'a blob during its fill': `/v2/lib/app/blobs/${FILLING.digest}`,
  'a held blob, by another repository': `/v2/lib/other/blobs/${HELD.digest}`,
  'a running fill, by another repository': `/v2/lib/other/blobs/${FILLING.digest}`,
  'a held manifest, by digest': `/v2/lib/app/manifests/${MANIFEST.digest}`,
  'a held manifest, by tag': '/v2/lib/app/manifests/v1',
  'a held manifest, by another repository': `/v2/lib/other/manifests/${MANIFEST.digest}`,
  'an unknown manifest': '/v2/lib/app/manifests/none',
  'a list of tags': '/v2/lib/app/tags/list',
} as const;
const ALWAYS_SERVED = new Set(['a blob on a hit', 'a blob during its fill', 'a held manifest, by digest']);

interface Failing {
  readonly what: string;
  readonly answer: Answerer;
  /** What a client gets of it: status, and `Retry-After`. */
  readonly told: string;
  /** What it gets where it asks for a held tag. */
  readonly ofHeldTag: string;
}

const FAILURES: readonly Failing[] = [
  { what: 'hangs up', answer: hangsUp(), told: '502 after 5', ofHeldTag: '200 after none' },
  { what: 'does not answer', answer: hangs(), told: '504 after 5', ofHeldTag: '200 after none' },
  { what: 'answers 500', answer: says(500, {}, SECRET), told: '502 after 5', ofHeldTag: '200 after none' },
  { what: 'answers 429', answer: says(429, {}, SECRET), told: '503 after 5', ofHeldTag: '200 after none' },
  { what: 'answers 404', answer: says(404, {}, SECRET), told: '404 after none', ofHeldTag: '404 after none' },
  { what: 'answers 403', answer: says(403, {}, SECRET), told: '403 after none', ofHeldTag: '403 after none' },
  {
    what: 'answers 401',
    answer: says(401, { 'www-authenticate': `Basic realm="${SECRET}"` }, SECRET),
    told: '403 after none',
    ofHeldTag: '403 after none',
  },
];

/** An error's body as a client sees it: none after HEAD. */
const ERROR = /^\{"errors":\[\{"code":"[A-Z_]+","message":"[^"]+"\}\]\}\n$/;
/** Nothing of the upstream, of this program, nor a challenge that nobody could answer. */
const LEAK = /internal|127\.0\.0\.1|ECONN|UND_ERR|www-authenticate/i;

/** Status and `Retry-After`, or what is wrong with an error's form. */
async function toldBy(answer: Answer, method: string): Promise<string> {
  const told = `${answer.status} after ${answer.headers['retry-after'] ?? 'none'}`;
  if (answer.status < 400) return told;
  const body = (await answer.bytes()).toString();
  const seen = `${answer.headers['content-type']} ${body}${JSON.stringify(answer.headers)}`;
  if (!seen.startsWith('application/json') || LEAK.test(seen)) return `${told}, which shows ${seen}`;
  const isFormed = method === 'HEAD' ? body === '' : ERROR.test(body);
  return isFormed ? told : `${told}, which is formed ${body}`;
}

describe.each(FAILURES)('line 9: an upstream that $what', ({ answer, told, ofHeldTag }) => {
  let origin: RecordingServer;
  let cache: RunningCache;
  let stepped: SteppedBlob;
  let filling: Answer;
  beforeAll(async () => {
    let now: Answerer = sends(HELD);
    origin = await startRecordingServer({ answer: (exchange) => now(exchange) });
    cache = await startCache({ origin: origin.url, downstream: ['timeouts: {headers: 200ms}'] });
    await (await cache.ask(PATHS['a blob on a hit'])).bytes();
    await cache.tells('fill-finished');
    now = sends(MANIFEST, { contentType: OCI_MANIFEST });
    await (await cache.ask(PATHS['a held manifest, by tag'])).bytes();
    stepped = new SteppedBlob(FILLING);
    now = stepped.answer;
    filling = await cache.ask(PATHS['a blob during its fill']);
    now = answer;
  });
  afterAll(async () => {
    await cache[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  test.each(Object.entries(PATHS))(
    'is told to who asks for %s as such, and hides none of what is held',
    async (what, path) => {
      const expected = what === 'a held manifest, by tag' ? ofHeldTag : told;
      for (const method of what === 'a list of tags' ? ['GET'] : ['HEAD', 'GET']) {
        const asked = await cache.ask(path, { method });
        const held = ALWAYS_SERVED.has(what);
        expect([method, await toldBy(asked, method)]).toEqual([method, held ? '200 after none' : expected]);
        asked.leave();
      }
    },
  );

  test('ends no fill that runs, and breaks nothing here', async () => {
    const finished = cache.tells('fill-finished', 2);
    await stepped.finish();
    expect((await filling.bytes()).length).toBe(FILLING.sizeBytes);
    await finished;
    expect(cache.told('internal-error')).toEqual([]);
  });
});

describe('line 9: a write is refused', () => {
  test.each(STATES)('and harms nothing, on a %s', async (state) => {
    await using wire = await startWireCache();
    const blob = await wire.blob(state);
    for (const method of ['DELETE', 'PUT', 'POST', 'PATCH']) {
      const answer = await blob.ask({ method });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD']);
      // All that containerd's user is shown.
      expect(answer.body.statusMessage).toContain('read-only cache: push to the origin');
      expect(JSON.parse((await answer.bytes()).toString())).toMatchObject({
        errors: [{ code: 'UNSUPPORTED' }],
      });
    }
    const asked = blob.ask();
    await blob.finish();
    expect((await (await asked).bytes()).equals(blob.bytes)).toBe(true);
    expect(wire.origin.requests.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('line 11: an upstream’s 429', () => {
  test.each([
    ['170', 170],
    ['Thu, 01 Jan 2026 00:05:00 GMT', 300],
  ])('with `Retry-After: %s` is 503 after %s s for what is not held', async (retryAfter, expected) => {
    await using origin = await startRecordingServer({
      answer: says(429, { 'retry-after': retryAfter, date: 'Thu, 01 Jan 2026 00:00:00 GMT' }),
    });
    await using cache = await startCache({ origin: origin.url });
    const waits: number[] = [];
    for (const path of [PATHS['an unknown manifest'], PATHS['a blob on a miss']]) {
      for (const method of ['HEAD', 'GET']) {
        const { status, headers } = await cache.ask(path, { method });
        expect(status).toBe(503);
        waits.push(Number(headers['retry-after']));
      }
    }
    // Whoever comes later has the less to wait.
    expect(waits[0]).toBe(expected);
    expect(waits).toEqual(waits.toSorted((one, other) => other - one));
    expect(waits.at(-1)).toBeGreaterThan(0);
  });

  test('does not end a fill: it goes on after the pause, and the client sees nothing', async () => {
    await using origin = await startScriptedUpstream();
    const path = PATHS['a blob on a miss'];
    origin
      .on('GET', path, sends(UNKNOWN, { cutAfterBytes: 20_000 }))
      .on('GET', path, says(429, { 'retry-after': '1' }))
      .on('GET', path, sends(UNKNOWN));
    await using cache = await startCache({ origin: origin.url });
    const answer = await cache.ask(path);
    expect((await answer.bytes()).equals(UNKNOWN.read(0, UNKNOWN.sizeBytes))).toBe(true);
    expect(origin.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=20000-',
      'bytes=20000-',
    ]);
  });

  test('is told from hop to hop with its `Retry-After`, and held blobs are served all the while', async () => {
    await using origin = await startScriptedUpstream();
    const pause = says(429, { 'retry-after': '200' });
    origin.on('GET', PATHS['a blob on a hit'], sends(HELD));
    for (const path of [PATHS['an unknown manifest'], PATHS['a blob on a miss']])
      origin.always('GET', path, pause);
    await using asia = await startCache({ origin: origin.url });
    await using china = await startCache({ origin: origin.url, hop: asia.url, fallback: false });
    await (await china.ask(PATHS['a blob on a hit'])).bytes();
    await china.tells('fill-finished');
    for (const path of [PATHS['an unknown manifest'], PATHS['a blob on a miss']]) {
      const { status, headers } = await china.ask(path);
      expect([status, headers['retry-after']]).toEqual([503, '200']);
    }
    expect((await china.ask(PATHS['a blob on a hit'])).status).toBe(200);
  });
});
