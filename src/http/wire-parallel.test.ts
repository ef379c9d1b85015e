import { describe, expect, test } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import type { Answer } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import type { RecordedRequest } from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';

const PIECE_BYTES = 8 * 1024 * 1024;
const SIZE_BYTES = 64 * 1024 * 1024;
const PIECES = SIZE_BYTES / PIECE_BYTES;

const BLOB = seededContent('in parallel', SIZE_BYTES);
const PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
/** One stream to the upstream: what is counted here is what the clients cost. */
const ONE_STREAM = 'ranges: {connections: 1}';

/** Asks for everything from an offset on. */
async function askFrom(cache: RunningCache, offset: number): Promise<Answer> {
  const answer = await cache.ask(PATH, { headers: { range: `bytes=${offset}-` } });
  expect([answer.status, answer.headers['content-range']]).toEqual([
    206,
    `bytes ${offset}-${SIZE_BYTES - 1}/${SIZE_BYTES}`,
  ]);
  return answer;
}

/** Takes a piece of an answer that goes on, closes the connection, and tells whether the bytes were right. */
async function takePiece(answer: Answer, offset: number): Promise<boolean> {
  const expected = BLOB.read(offset, PIECE_BYTES);
  let length = 0;
  let right = true;
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    const wanted = expected.subarray(length, length + piece.length);
    right &&= piece.subarray(0, wanted.length).equals(wanted);
    length += piece.length;
    if (length >= PIECE_BYTES) break;
  }
  answer.leave();
  return right && length >= PIECE_BYTES;
}

/** Pulls as containerd 2.1 does: so many connections, each of them closed after its piece. */
async function pullInParallel(cache: RunningCache, connections: number): Promise<readonly boolean[]> {
  const offsets = Array.from({ length: PIECES }, (_, index) => index * PIECE_BYTES);
  const waiting = offsets.values();
  const right: boolean[] = [];
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (const offset of waiting) right.push(await takePiece(await askFrom(cache, offset), offset));
    }),
  );
  return right;
}

function sentBytes(requests: readonly RecordedRequest[]): number {
  return requests.reduce((sum, request) => sum + request.sentBytes, 0);
}

const ALL_RIGHT: readonly boolean[] = Array.from({ length: PIECES }, () => true);

describe(
  'pieces of 8 MiB by open-ended ranges, each connection closed by the client after its piece',
  { timeout: 120_000 },
  () => {
    test.each([
      [PIECES, 'fillafterabort: true'],
      [3, 'fillafterabort: true'],
      [PIECES, 'fillafterabort: false'],
    ])(
      'over %i connections on a miss, %s, cost the upstream one GET and no byte twice',
      async (connections, option) => {
        await using origin = await startScriptedUpstream();
        origin.always('GET', PATH, sends(BLOB));
        await using cache = await startCache({ origin: origin.url, downstream: [ONE_STREAM, option] });
        expect(await pullInParallel(cache, connections)).toEqual(ALL_RIGHT);
        await cache.tells('fill-finished');
        expect(origin.requests.map(({ method, headers }) => `${method} ${headers.range ?? 'whole'}`)).toEqual(
          ['GET whole'],
        );
        expect(sentBytes(origin.requests)).toBe(SIZE_BYTES);
        expect([cache.told('fill-started').length, cache.told('fill-failed')]).toEqual([1, []]);
      },
    );

    test('cost a near upstream one GET with default settings, too', async () => {
      await using origin = await startScriptedUpstream();
      origin.always('GET', PATH, sends(BLOB));
      await using cache = await startCache({ origin: origin.url });
      expect(await pullInParallel(cache, 3)).toEqual(ALL_RIGHT);
      await cache.tells('fill-finished');
      expect([origin.requests.length, sentBytes(origin.requests)]).toEqual([1, SIZE_BYTES]);
    });

    test('over three connections on a hit, cost the upstream nothing', async () => {
      await using origin = await startScriptedUpstream();
      origin.on('GET', PATH, sends(BLOB));
      await using cache = await startCache({ origin: origin.url, downstream: [ONE_STREAM] });
      await (await cache.ask(PATH)).drain();
      await cache.tells('fill-finished');
      expect(await pullInParallel(cache, 3)).toEqual(ALL_RIGHT);
      expect(await pullInParallel(cache, PIECES)).toEqual(ALL_RIGHT);
      expect(origin.requests).toHaveLength(1);
      expect(cache.told('internal-error')).toEqual([]);
    });
  },
);
