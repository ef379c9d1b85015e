import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import { type Answer, ask } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { STATES, startWireCache, type WireCache } from '../../fixtures/wire-cache.ts';
import { loadConfig } from '../config/load-config.ts';

/** What containerd sends with every request, blobs too. */
const CONTAINERD = { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' };

let wire: WireCache;
beforeAll(async () => {
  wire = await startWireCache();
});
afterAll(async () => wire[Symbol.asyncDispose]());

describe('line 4: no answer is encoded', () => {
  test.each(STATES)('a blob on a %s', async (state) => {
    const blob = await wire.blob(state);
    const answer = await blob.ask({ headers: CONTAINERD });
    await blob.finish();
    expect([answer.headers['content-encoding'], answer.headers['content-length']]).toEqual([
      undefined,
      String(blob.bytes.length),
    ]);
    expect((await answer.bytes()).equals(blob.bytes)).toBe(true);
    for (const { headers } of wire.origin.requests) expect(headers['accept-encoding']).toBe('identity');
  });

  test('what an upstream encodes all the same is a failure of that upstream', async () => {
    const blob = await wire.blob('filling');
    const path = blob.path.replace('lib/app', 'lib/encoded');
    wire.origin.on('HEAD', path, says(200, { 'content-encoding': 'gzip', 'content-length': '5' }));
    expect((await wire.cache.ask(path, { headers: CONTAINERD })).status).toBe(502);
    const other = seededContent('encoded', 1000);
    const otherPath = `/v2/lib/app/blobs/${other.digest}`;
    wire.origin.on('GET', otherPath, sends(other, { headers: { 'content-encoding': 'gzip' } }));
    expect((await wire.cache.ask(otherPath, { headers: CONTAINERD })).status).toBe(502);
    await blob.finish();
  });
});

describe('line 5: HEAD of a blob is never 404 for what is only not cached', () => {
  test.each(STATES)('on a %s', async (state) => {
    const blob = await wire.blob(state);
    const before = wire.origin.requests.length;
    const answer = await blob.ask({ method: 'HEAD' });
    expect([answer.status, answer.headers]).toMatchObject([
      200,
      { 'content-length': String(blob.bytes.length), 'docker-content-digest': blob.content.digest },
    ]);
    const asked = wire.origin.requests.slice(before).map(({ method }) => method);
    expect(asked).toEqual(state === 'miss' ? ['HEAD'] : []);
    await blob.finish();
  });

  test.each([
    [404, 404],
    [403, 403],
    [500, 502],
    [429, 503],
  ])('an unknown one gets the upstream’s %s, as %s', async (status, expected) => {
    await using origin = await startScriptedUpstream();
    const path = `/v2/lib/app/blobs/${seededContent('unknown', 1).digest}`;
    origin.on('HEAD', path, says(status));
    await using cache = await startCache({ origin: origin.url });
    expect((await cache.ask(path, { method: 'HEAD' })).status).toBe(expected);
  });
});

describe('line 6: GET of a blob', () => {
  test.each(STATES)('on a %s has every header that clients need', async (state) => {
    const blob = await wire.blob(state);
    const answer = await blob.ask();
    expect(answer.status).toBe(200);
    const { date: _date, 'server-timing': timing, ...headers } = answer.headers;
    // Who had it already has waited for nobody.
    expect(typeof timing).toBe(state === 'hit' ? 'undefined' : 'string');
    expect(headers).toEqual({
      'content-length': String(blob.bytes.length),
      'docker-content-digest': blob.content.digest,
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: blob.etag,
      'cache-control': 'max-age=31536000',
      'docker-distribution-api-version': 'registry/2.0',
      connection: 'close',
      via: expect.any(String) as string,
      'cache-status': expect.any(String) as string,
    });
    await blob.finish();
    expect((await answer.bytes()).equals(blob.bytes)).toBe(true);
  });

  test('sends its headers at once, though no byte has come yet', async () => {
    const content = seededContent('no byte yet', 10_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    const stepped = new SteppedBlob(content);
    wire.origin.on('GET', path, stepped.answer);
    const answers = [
      await wire.cache.ask(path),
      await wire.cache.ask(path, { headers: { range: 'bytes=5000-' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 206]);
    await stepped.finish();
    const [whole, half] = await Promise.all(answers.map((answer) => answer.bytes()));
    expect([whole?.length, half?.length]).toEqual([10_000, 5_000]);
  });

  test('waits for the upstream’s headers less long than containerd and docker do', async () => {
    const { config } = await loadConfig({
      file: 'config.yml',
      env: {},
      readFile: () =>
        Promise.resolve('version: 0.1\nstorage: {filesystem: {}}\nproxy: {remoteurl: http://x}\n'),
    });
    expect(config.cache.timeouts.headersMs).toBeLessThan(30_000);
  });

  test('whose upstream falls silent in the middle is asked on, and the client sees nothing of it', async () => {
    const content = seededContent('silent', 100_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    await using origin = await startScriptedUpstream();
    origin.on('GET', path, sends(content, { hangAfterBytes: 40_000 })).on('GET', path, sends(content));
    await using cache = await startCache({ origin: origin.url, downstream: ['timeouts: {idle: 100ms}'] });
    const answer = await cache.ask(path);
    expect((await answer.bytes()).equals(content.read(0, 100_000))).toBe(true);
    expect(cache.told('fill-resumed')).toHaveLength(1);
  });
});

describe('line 8: a failure after the headers ends the connection short', () => {
  const SIZE_BYTES = 100_000;

  const SENT_BYTES = 60_000;

  const rests: readonly [string, number, Answerer][] = [
    ['404', SENT_BYTES, says(404, {}, 'no such blob')],
    ['403', SENT_BYTES, says(403, {}, 'denied')],
    ['a text of another size', SENT_BYTES, says(200, {}, 'text of an error')],
    [
      'other bytes of the right size',
      SIZE_BYTES - 1,
      ({ response }) => {
        const lengthBytes = SIZE_BYTES - SENT_BYTES;
        const range = `bytes ${SENT_BYTES}-${SIZE_BYTES - 1}/${SIZE_BYTES}`;
        response.writeHead(206, { 'content-range': range, 'content-length': lengthBytes });
        response.end(Buffer.alloc(lengthBytes, 'text of an error'));
      },
    ],
  ];

  test.each(
    rests.flatMap(([what, ...rest]) => [false, true].map((chunked) => [what, chunked, ...rest] as const)),
  )(
    'where the rest of it is %s (chunked: %s), for whoever began the fill and whoever joined it',
    async (_what, chunked, mostBytes, rest) => {
      const content = seededContent('failing', SIZE_BYTES);
      const path = `/v2/lib/app/blobs/${content.digest}`;
      await using origin = await startScriptedUpstream();
      const stepped = new SteppedBlob(content, { chunked });
      origin.on('GET', path, stepped.answer).always('GET', path, rest);
      await using cache = await startCache({ origin: origin.url });
      const answers = [await cache.ask(path), await cache.ask(path)];
      await stepped.sendTo(SENT_BYTES);
      await stepped.cut();
      for (const got of await Promise.all(answers.map(partOf))) {
        const good = Math.min(got.length, SENT_BYTES);
        expect(got.subarray(0, good).equals(content.read(0, good))).toBe(true);
        expect(got.length).toBeLessThanOrEqual(mostBytes);
      }
    },
  );

  test('where the disk fails in the middle of a hit', async () => {
    const blob = await wire.blob('hit', 32 * 1024 * 1024);
    const answer = await blob.ask();
    await answer.firstByte();
    await truncate(blobFile(wire.cache.root, blob.content.digest), blob.bytes.length / 2);
    const got = await partOf(answer);
    expect(got.length).toBeLessThan(blob.bytes.length);
    expect(got.equals(blob.bytes.subarray(0, got.length))).toBe(true);
    expect((await ask(`${wire.cache.url}/v2/`)).status).toBe(200);
  });
});

function blobFile(root: string, digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(root, 'docker', 'registry', 'v2', 'blobs', algorithm, hex.slice(0, 2), hex, 'data');
}

/** The bytes of an answer that must end short. */
async function partOf(answer: Answer): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const ended = new Promise<string>((resolve) => {
    answer.body.once('error', () => resolve('short'));
    answer.body.once('end', () => resolve('whole'));
  });
  answer.body.on('data', (piece: Buffer) => pieces.push(piece));
  expect(await ended).toBe('short');
  return Buffer.concat(pieces);
}
