import { describe, expect, it } from 'vitest';
import { hangs, hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { startTestHops, TAG_PATH, type TestHops } from '../../fixtures/test-hops.ts';
import { PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2}'));
const BLOB = seededContent('hops', 100_000);
const BLOB_PATH = `/v2/${REPOSITORY}/blobs/${BLOB.digest}`;
const found = sends(MANIFEST, { contentType: OCI_MANIFEST });
/** A regcache that was told no by its upstream. */
const fromBehind = { 'cache-status': '"asia"; fwd=miss; fwd-status=404' };
/** A regcache that says no by itself. */
const ownNo = { 'cache-status': '"asia"' };

/** What was told of the hops, beside each answer. */
function told({ events }: TestHops): string[] {
  return events.map(({ kind }) => kind).filter((kind) => kind !== 'upstream-answer');
}

function asked({ hops, origin }: TestHops): number[] {
  return [...hops, origin].map(({ requests }) => requests.length);
}

describe('a hop that fails', () => {
  it.each([
    ['cuts every connection', hangsUp(), 2],
    ['answers 500', says(500), 1],
    ['answers 404 by itself', says(404, ownNo), 1],
    ['answers 401 by itself', says(401, ownNo), 1],
    ['answers 403 by itself', says(403, ownNo), 1],
    ['is busy', says(429), 1],
    ['sees a loop', says(508, ownNo), 1],
  ])('because it %s is passed over for this request', async (_, answer, tries) => {
    await using test = await startTestHops(2);
    test.hops[0]?.always('HEAD', TAG_PATH, answer);
    test.hops[1]?.always('HEAD', TAG_PATH, found);
    await expect(test.ask()).resolves.toMatchObject({ kind: 'found', digest: MANIFEST.digest });
    expect(asked(test)).toEqual([tries, 1, 0]);
    expect(told(test)).toContain('hop-failed');
    expect(test.events).toContainEqual(
      expect.objectContaining({
        kind: 'hop-failed',
        upstream: new URL(test.hops[0]?.url ?? '').host,
        next: new URL(test.hops[1]?.url ?? '').host,
      }),
    );
  });

  it('is not asked again while it cannot be reached', async () => {
    await using test = await startTestHops(2);
    const [first, second] = test.hops;
    second?.always('HEAD', TAG_PATH, found);
    await first?.[Symbol.asyncDispose]();
    await test.ask();
    await test.ask();
    expect(told(test)).toEqual(['hop-down', 'hop-failed']);
    expect(second?.requests).toHaveLength(2);
  });

  it('by chance is asked again, and is left out after the third time in a row', async () => {
    await using test = await startTestHops(2);
    const [first, second] = test.hops;
    first?.on('HEAD', TAG_PATH, says(500), 2).on('HEAD', TAG_PATH, found).always('HEAD', TAG_PATH, says(500));
    second?.always('HEAD', TAG_PATH, found);
    for (let times = 0; times < 10; times += 1) await test.ask();
    expect(asked(test)).toEqual([6, 9, 0]);
    expect(told(test).filter((kind) => kind !== 'hop-failed')).toEqual(['hop-down']);
    // Its probe is answered: it is asked again, and fails again.
    await test.clock.advance(1_000);
    await expect.poll(() => told(test)).toContain('hop-up');
    await test.ask();
    expect(asked(test)).toEqual([7, 10, 0]);
  });

  it('is probed after 1, 2, 4, 5 and 5 seconds', async () => {
    await using test = await startTestHops(2);
    const [first, second] = test.hops;
    const probes: number[] = [];
    first
      ?.always('GET', '/v2/', ({ response }) => {
        probes.push(test.clock.monotonic());
        response.writeHead(probes.length < 6 ? 503 : 401).end();
      })
      .always('HEAD', TAG_PATH, says(500));
    second?.always('HEAD', TAG_PATH, found);
    for (let times = 0; times < 3; times += 1) await test.ask();
    for (const [index, seconds] of [1, 2, 4, 5, 5, 5].entries()) {
      await test.clock.advance(seconds * 1000 - 1);
      expect(probes).toHaveLength(index);
      await test.clock.advance(1);
      await expect.poll(() => probes.length).toBe(index + 1);
      await expect.poll(() => told(test).includes('hop-up') || test.clock.sleeping > 0).toBe(true);
    }
    await expect.poll(() => told(test)).toContain('hop-up');
    await test.clock.advance(60_000);
    expect(probes).toEqual([1000, 3000, 7000, 12_000, 17_000, 22_000]);
  });
});

describe('the origin’s verdict', () => {
  it('is final, through whichever hop it comes', async () => {
    await using test = await startTestHops(2);
    test.hops[0]?.always('HEAD', TAG_PATH, says(404, fromBehind));
    await expect(test.ask()).resolves.toMatchObject({ kind: 'refused', verdict: 'unknown' });
    expect(asked(test)).toEqual([1, 0, 0]);
    expect(told(test)).toEqual([]);
  });
});

describe('the origin', () => {
  it('is asked when all hops have failed, and told no namespace', async () => {
    await using test = await startTestHops(2);
    for (const hop of test.hops) hop.always('HEAD', TAG_PATH, says(502));
    test.origin.always('HEAD', TAG_PATH, found);
    await expect(test.ask()).resolves.toMatchObject({ kind: 'found' });
    expect(test.hops[0]?.requests[0]?.url).toBe(`${TAG_PATH}?ns=dtr.test`);
    expect(test.origin.requests[0]?.url).toBe(TAG_PATH);
  });

  it('is not asked without fallback: the last hop’s failure is the answer', async () => {
    await using test = await startTestHops(2, { fallback: undefined });
    test.hops[0]?.always('HEAD', TAG_PATH, says(500));
    test.hops[1]?.always('HEAD', TAG_PATH, says(502));
    await expect(test.ask()).rejects.toMatchObject({ kind: 'status', status: 502 });
    expect(asked(test)).toEqual([1, 1, 0]);
  });
});

describe('where all are down', () => {
  async function allDown(): Promise<TestHops> {
    const test = await startTestHops(1);
    for (const each of [...test.hops, test.origin]) each.on('HEAD', TAG_PATH, says(500), 3);
    for (let times = 0; times < 3; times += 1) await test.ask().catch(() => undefined);
    expect(told(test).filter((kind) => kind === 'hop-down')).toHaveLength(2);
    return test;
  }

  it('all are asked together when there is nothing to give instead, and whoever answers is up again', async () => {
    await using test = await allDown();
    test.hops[0]?.always('HEAD', TAG_PATH, hangs());
    test.origin.always('HEAD', TAG_PATH, found);
    await expect(test.ask()).resolves.toMatchObject({ kind: 'found' });
    expect(asked(test)).toEqual([4, 4]);
    expect(told(test).filter((kind) => kind === 'hop-up')).toHaveLength(1);
  });

  it('nobody is asked when something held can be given', async () => {
    await using test = await allDown();
    await expect(test.ask(MANIFEST.digest)).rejects.toMatchObject({ kind: 'connect' });
    expect(asked(test)).toEqual([3, 3]);
  });
});

describe('a hop that asks for a pause', () => {
  it('is left alone with such questions for that long, and its blobs are not', async () => {
    await using test = await startTestHops(1, { fallback: undefined });
    const [hop] = test.hops;
    hop?.on('HEAD', TAG_PATH, says(429, { 'retry-after': '17' })).always('HEAD', TAG_PATH, found);
    hop?.always('GET', BLOB_PATH, sends(BLOB));
    await expect(test.ask()).rejects.toMatchObject({ kind: 'busy', retryAfterSeconds: 17 });
    await test.clock.advance(16_500);
    await expect(test.ask()).rejects.toMatchObject({ kind: 'busy', retryAfterSeconds: 1 });
    expect(asked(test)).toEqual([1, 0]);
    const request = { name: REPOSITORY, digest: BLOB.digest, startBytes: 0 };
    const answer = await test.upstream.openBlob(request, PASSPORT, unending());
    if (answer.kind === 'found') await answer.body.readAll(1e6);
    await test.clock.advance(500);
    await expect(test.ask()).resolves.toMatchObject({ kind: 'found' });
  });
});

describe('a blob that has begun', () => {
  const rest = { name: REPOSITORY, digest: BLOB.digest, startBytes: 50_000, sizeBytes: 100_000 };

  it.each([
    ['another size', sends(seededContent('hops', 99_000))],
    ['another digest', sends(seededContent('other', 100_000))],
    ['another range', says(206, { 'content-range': 'bytes 0-9/100000' })],
  ])('is continued by the next hop where the first one has %s', async (_, answer) => {
    await using test = await startTestHops(2);
    test.hops[0]?.always('GET', BLOB_PATH, answer);
    test.hops[1]?.always('GET', BLOB_PATH, sends(BLOB));
    const got = await test.upstream.openBlob(rest, PASSPORT, unending());
    if (got.kind !== 'found') throw new Error('refused');
    expect(got).toMatchObject({ startBytes: 50_000, upstream: new URL(test.hops[1]?.url ?? '').host });
    expect(await got.body.readAll(1e6)).toEqual(BLOB.read(50_000, 50_000));
  });

  it('is not asked of a hop that has sent wrong bytes for it', async () => {
    await using test = await startTestHops(2);
    test.hops[1]?.always('GET', BLOB_PATH, sends(BLOB));
    const bad = new URL(test.hops[0]?.url ?? '').host;
    const avoids = (upstream: string): boolean => upstream === bad;
    const got = await test.upstream.openBlob({ ...rest, avoids }, PASSPORT, unending());
    if (got.kind === 'found') await got.body.readAll(1e6);
    expect(asked(test)).toEqual([0, 1, 0]);
    const none = test.upstream.openBlob({ ...rest, avoids: () => true }, PASSPORT, unending());
    await expect(none).rejects.toMatchObject({ kind: 'avoided' });
  });
});

describe('a hop that is unusually slow', () => {
  it('is helped by the next one, in at most one request of twenty', async () => {
    await using test = await startTestHops(2);
    const [first, second] = test.hops;
    first?.on('HEAD', TAG_PATH, found, 40).always('HEAD', TAG_PATH, hangs());
    second?.always('HEAD', TAG_PATH, found);
    for (let times = 0; times < 40; times += 1) await test.ask();
    for (const helped of [1, 2]) {
      const answer = test.ask();
      await first?.asked('HEAD', TAG_PATH, 40 + helped);
      await test.clock.advance(20);
      await expect(answer).resolves.toMatchObject({ kind: 'found' });
      expect(second?.requests).toHaveLength(helped);
    }
    // The allowance is used up.
    const leaving = new AbortController();
    const alone = test.ask(undefined, leaving.signal);
    await first?.asked('HEAD', TAG_PATH, 43);
    await test.clock.advance(1_000);
    expect(second?.requests).toHaveLength(2);
    leaving.abort(new Error('left'));
    await expect(alone).rejects.toThrow('left');
  });
});
