import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import type { Answer } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import { STATES, startWireCache, type WireBlob, type WireCache } from '../../fixtures/wire-cache.ts';

let wire: WireCache;
beforeAll(async () => {
  wire = await startWireCache();
});
afterAll(async () => wire[Symbol.asyncDispose]());

/** Reads so many bytes of an answer, then loses the connection. */
async function readAndLose(answer: Answer, bytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer.body as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length >= bytes) break;
  }
  answer.leave();
  return Buffer.concat(pieces).subarray(0, bytes);
}

/** Goes on from an offset as podman does, which takes nothing but 206 from there to the end. */
async function goOn(
  blob: WireBlob,
  from: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const size = blob.bytes.length;
  const answer = await blob.ask({ headers: { range: `bytes=${from}-`, ...headers } });
  expect([answer.status, answer.headers]).toMatchObject([
    206,
    {
      'content-range': `bytes ${from}-${size - 1}/${size}`,
      'content-length': String(size - from),
      'docker-content-digest': blob.content.digest,
    },
  ]);
  return answer;
}

describe('line 7: a client whose connection was cut in the middle goes on from there', () => {
  test.each(STATES)('on a %s, at the upstream’s cost of one GET', async (state) => {
    const blob = await wire.blob(state);
    const first = await readAndLose(await blob.ask(), 50_000);
    const rest = await goOn(blob, first.length);
    await blob.finish();
    expect(Buffer.concat([first, await rest.bytes()]).equals(blob.bytes)).toBe(true);
    expect(wire.origin.count('GET', blob.path)).toBe(1);
  });

  test.each(STATES)('five times, on a %s', async (state) => {
    const blob = await wire.blob(state);
    let got = await readAndLose(await blob.ask(), 10_000);
    for (let cuts = 1; cuts <= 5; cuts += 1) {
      const more = await readAndLose(await goOn(blob, got.length), 10_000);
      got = Buffer.concat([got, more]);
    }
    const rest = await goOn(blob, got.length, { 'if-range': blob.etag });
    await blob.finish();
    expect(Buffer.concat([got, await rest.bytes()]).equals(blob.bytes)).toBe(true);
    expect(wire.origin.count('GET', blob.path)).toBe(1);
  });

  test('though the fill has died with its upstream', async () => {
    const content = seededContent('died', 200_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    wire.origin
      .on('GET', path, sends(content, { cutAfterBytes: 60_000 }))
      .on('GET', path, says(404))
      .on('GET', path, sends(content));
    const cut = await (await wire.cache.ask(path)).drain();
    expect(cut.complete).toBe(false);
    const rest = await wire.cache.ask(path, { headers: { range: `bytes=${cut.sizeBytes}-` } });
    expect([rest.status, rest.headers['content-range']]).toEqual([
      206,
      `bytes ${cut.sizeBytes}-199999/200000`,
    ]);
    expect((await rest.bytes()).equals(content.read(cut.sizeBytes, 200_000))).toBe(true);
  });

  test.each(STATES)('or is told that it has everything already, on a %s', async (state) => {
    const blob = await wire.blob(state);
    const size = blob.bytes.length;
    for (const range of [
      `bytes=${size}-`,
      `bytes=${size + 1}-${size + 9}`,
      'bytes=9007199254740993-',
      'bytes=-0',
    ]) {
      const answer = await blob.ask({ headers: { range } });
      expect([range, answer.status, answer.headers['content-range']]).toEqual([
        range,
        416,
        `bytes */${size}`,
      ]);
      expect(JSON.parse((await answer.bytes()).toString())).toMatchObject({
        errors: [{ code: 'RANGE_INVALID' }],
      });
    }
    await blob.finish();
  });
});

describe('line 7: conditions', () => {
  test.each(STATES)('the whole blob is what a range that is none gets, on a %s', async (state) => {
    const blob = await wire.blob(state);
    const answers: Answer[] = [];
    for (const range of ['bytes=9-3', 'bytes=-', 'bytes=5-x', 'items=0-5']) {
      answers.push(await blob.ask({ headers: { range } }));
    }
    await blob.finish();
    for (const answer of answers) {
      expect([answer.status, answer.headers['content-range']]).toEqual([200, undefined]);
      expect((await answer.bytes()).equals(blob.bytes)).toBe(true);
    }
  });

  test.each(STATES)('If-Range decides between the part and the whole, on a %s', async (state) => {
    const blob = await wire.blob(state);
    const range = 'bytes=1000-';
    const right = await blob.ask({ headers: { range, 'if-range': blob.etag } });
    const wrong = await blob.ask({ headers: { range, 'if-range': '"sha256:other"' } });
    await blob.finish();
    expect([right.status, wrong.status]).toEqual([206, 200]);
    expect((await right.bytes()).equals(blob.bytes.subarray(1000))).toBe(true);
    expect((await wrong.bytes()).equals(blob.bytes)).toBe(true);
  });

  test.each(STATES)('If-None-Match comes before any range, on a %s', async (state) => {
    const blob = await wire.blob(state);
    const ranged = { range: 'bytes=1000-', 'if-range': blob.etag };
    const same = await blob.ask({ headers: { ...ranged, 'if-none-match': blob.etag } });
    expect([same.status, same.headers.etag, (await same.bytes()).length]).toEqual([304, blob.etag, 0]);
    const other = await blob.ask({ headers: { ...ranged, 'if-none-match': '"sha256:other"' } });
    await blob.finish();
    expect([other.status, (await other.bytes()).equals(blob.bytes.subarray(1000))]).toEqual([206, true]);
  });
});
