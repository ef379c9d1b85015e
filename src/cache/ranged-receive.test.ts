import { expect, test } from 'vitest';
import { seededContent } from '../bench/image/content.ts';
import { type EmbeddedOrigin, startEmbeddedOrigin } from '../../fixtures/embedded-origin.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type Link, startLink } from '../bench/link/link.ts';

const MEBIBYTE = 1024 * 1024;
const SIZE_BYTES = 12 * MEBIBYTE;
const BLOB = seededContent('ranged', SIZE_BYTES);
const WHOLE = BLOB.read(0, SIZE_BYTES);
/** Far and slow enough that one connection would need a while. */
const FAR = {
  roundTripMs: 100,
  rateBitsPerSecond: 400e6,
  connectionRateBitsPerSecond: 24e6,
  slowStart: false,
};
const RANGES = 'ranges: {connections: 4, minsize: 1MiB, window: 1MiB}';

interface Far extends AsyncDisposable {
  readonly origin: EmbeddedOrigin;
  readonly link: Link;
  readonly cache: RunningCache;
  readonly path: string;
  /** Ranges that the origin was asked for; undefined for the whole blob. */
  ranges(): (string | undefined)[];
}

async function startFar(downstream: readonly string[] = [RANGES], far = FAR): Promise<Far> {
  await using starting = new AsyncDisposableStack();
  const origin = starting.use(await startEmbeddedOrigin());
  const path = origin.addBlob('lib/far', BLOB);
  const { hostname: host, port } = new URL(origin.url);
  const link = starting.use(await startLink({ to: { host, port: Number(port) }, ...far }));
  const cache = starting.use(await startCache({ origin: link.url('http'), downstream }));
  // How far it is, is known from questions.
  await (await cache.ask(path, { method: 'HEAD' })).drain();
  const running = starting.move();
  return {
    origin,
    link,
    cache,
    path,
    ranges: () =>
      origin.requests.filter(({ method }) => method === 'GET').map(({ headers }) => headers.range),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

async function pull({ cache, path }: Far): Promise<Buffer> {
  return await (await cache.ask(path)).bytes();
}

test('a far blob comes over several connections, every byte once, and little for nothing', async () => {
  await using far = await startFar();
  expect((await pull(far)).equals(WHOLE)).toBe(true);
  await far.cache.tells('fill-finished');
  expect(far.cache.told('fill-finished')).toMatchObject([{ connections: 4, sizeBytes: SIZE_BYTES }]);
  const [first, ...windows] = far.ranges();
  expect(first).toBeUndefined();
  expect(windows.length).toBeGreaterThanOrEqual(3);
  const asked = windows.map((range) =>
    /^bytes=(\d+)-(\d+)?$/
      .exec(range ?? '')
      ?.slice(1)
      .map(Number),
  );
  const starts = asked.map((range) => range?.[0] ?? 0).toSorted((one, other) => one - other);
  expect(new Set(starts).size).toBe(starts.length);
  // A connection that was cut off may have had as much under way as the sockets between hold.
  const carried = far.link.stats.connections.reduce((sum, { toClientBytes }) => sum + toClientBytes, 0);
  expect(carried - SIZE_BYTES).toBeLessThan(3 * MEBIBYTE);
  const again = await far.cache.ask(far.path);
  expect((await again.bytes()).equals(WHOLE)).toBe(true);
  expect(again.headers['cache-status']).toMatch(/hit$/);
});

test('a near blob, a small one and one with `connections: 1` come over one connection', async () => {
  for (const [downstream, shape] of [
    [[RANGES], { ...FAR, roundTripMs: 0 }],
    [['ranges: {minsize: 13MiB}'], FAR],
    [['ranges: {connections: 1, minsize: 1MiB}'], FAR],
  ] as const) {
    await using far = await startFar(downstream, { ...shape, connectionRateBitsPerSecond: 200e6 });
    expect((await pull(far)).equals(WHOLE)).toBe(true);
    expect(far.ranges()).toEqual([undefined]);
  }
});

test('a reader in the middle of a far blob does not wait for what comes before', async () => {
  await using far = await startFar();
  const whole = pull(far);
  await expect.poll(() => far.ranges().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
  const start = SIZE_BYTES - 2 * MEBIBYTE;
  const answer = await far.cache.ask(far.path, { headers: { range: `bytes=${start}-${start + 99}` } });
  expect(answer.status).toBe(206);
  expect(await answer.bytes()).toEqual(WHOLE.subarray(start, start + 100));
  expect(far.cache.told('fill-finished')).toEqual([]);
  expect((await whole).equals(WHOLE)).toBe(true);
});

test('connections that are cut, all together and again and again, cost time and nothing else', async () => {
  await using far = await startFar();
  const whole = pull(far);
  for (const count of [1, 4, 6]) {
    await expect.poll(() => far.ranges().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
    far.link.cut();
  }
  expect((await whole).equals(WHOLE)).toBe(true);
  expect(far.cache.told('fill-failed')).toEqual([]);
});

test('an origin that ignores ranges is recognised, and its blob comes over one connection', async () => {
  await using far = await startFar();
  far.origin.shape(BLOB.digest, { ignoreRange: true });
  expect((await pull(far)).equals(WHOLE)).toBe(true);
  const other = seededContent('ranged too', SIZE_BYTES);
  const path = far.origin.addBlob('lib/far', other);
  far.origin.shape(other.digest, { ignoreRange: true });
  const before = far.ranges().length;
  expect((await (await far.cache.ask(path)).bytes()).length).toBe(SIZE_BYTES);
  expect(far.ranges().slice(before)).toEqual([undefined]);
});

test('wrong bytes in one window end the transfer short, and nothing is stored', async () => {
  await using far = await startFar();
  far.origin.shape(BLOB.digest, { wrongByteAt: 9 * MEBIBYTE });
  const answer = await far.cache.ask(far.path);
  const { complete } = await answer.drain();
  expect(complete).toBe(false);
  expect(far.cache.told('digest-mismatch')).toHaveLength(1);
  expect((await far.cache.ask(far.path)).status).toBe(502);
});
