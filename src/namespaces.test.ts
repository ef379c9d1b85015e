import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { watchDialled } from '../fixtures/dialled.ts';
import { hangs, says, sends } from '../fixtures/behaviour.ts';
import { bytesContent, type Content, seededContent } from './bench/image/content.ts';
import { type EmbeddedOrigin, startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import type { Answerer } from '../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../fixtures/scripted-upstream.ts';
import { type SeededImage, seedImage } from './bench/image/seeded-image.ts';
import { SteppedBlob } from '../fixtures/stepped-blob.ts';
import { readStoreTree } from '../fixtures/store-tree.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { OCI_MANIFEST } from './oci/media-type.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function kept<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

/** One origin and what it has under `lib/app:v1`. */
interface Side {
  readonly ns: string;
  readonly origin: EmbeddedOrigin;
  readonly image: SeededImage;
}

async function startSide(ns: string): Promise<Side> {
  const origin = await kept(startEmbeddedOrigin());
  const image = await seedImage({ seed: ns, layerBytes: [3000, 2000] });
  origin.addImage('lib/app', 'v1', image);
  return { ns, origin, image };
}

/** A cache of these namespaces; the first is the default. */
async function startOver(
  sides: readonly Pick<Side, 'ns' | 'origin'>[],
  root?: string,
): Promise<RunningCache> {
  const [first, ...others] = sides.map(({ ns, origin }) => ({ ns, url: origin.url }));
  return await startCache({
    // A further key of the same upstream, as YAML goes.
    origin: `${first?.url}\n            namespace: ${first?.ns}`,
    downstream: [
      ...others.flatMap(({ ns, url }) => [`  - originhost: ${url}`, `    namespace: ${ns}`]),
      'prefetch: false',
    ],
    ...(root === undefined ? {} : { root }),
  });
}

/** Every way in which a request can mean a namespace. */
const FORMS: readonly [string, (ns: string, rest: string) => string][] = [
  ['?ns=', (ns, rest) => `/v2/${rest}?ns=${ns}`],
  ['a path before v2', (ns, rest) => `/${ns}/v2/${rest}`],
  ['a path behind v2', (ns, rest) => `/v2/${ns}/${rest}`],
  ['both', (ns, rest) => `/${ns}/v2/${rest}?ns=${ns}`],
];
const PLAIN = (_ns: string, rest: string): string => `/v2/${rest}`;

/** What an image consists of, as paths below a repository. */
function partsOf({ image }: Side): readonly (readonly [string, Content])[] {
  const { root, blobs } = image;
  return [
    ['manifests/v1', root.content],
    [`manifests/${root.content.digest}`, root.content],
    ...blobs.map((blob) => [`blobs/${blob.digest}`, blob] as const),
  ];
}

/** Pulls a whole image and checks that each byte is its own. */
async function pullOwn(
  cache: RunningCache,
  side: Side,
  form: (ns: string, rest: string) => string,
): Promise<void> {
  for (const [part, content] of partsOf(side)) {
    const path = form(side.ns, `lib/app/${part}`);
    const answer = await cache.ask(path);
    expect([path, answer.status]).toEqual([path, 200]);
    expect((await answer.bytes()).equals(content.read(0, content.sizeBytes))).toBe(true);
  }
}

/** Asks one namespace by digest for what only the other one has. */
async function statusesOfForeign(
  cache: RunningCache,
  side: Pick<Side, 'ns'>,
  foreign: Side,
  form: (ns: string, rest: string) => string,
): Promise<readonly number[]> {
  const statuses = new Set<number>();
  for (const [part] of partsOf(foreign).slice(1)) {
    for (const method of ['HEAD', 'GET']) {
      const answer = await cache.ask(form(side.ns, `lib/app/${part}`), { method });
      await answer.bytes();
      statuses.add(answer.status);
    }
  }
  return [...statuses];
}

describe.each(FORMS)('two namespaces with one repository name and one tag, named by %s', (_what, form) => {
  test('each give their own: on a miss, on a hit, while their origins are down, and after a restart', async () => {
    await using folder = await tempFolder('namespaces');
    const [a, b] = [await startSide('a.test'), await startSide('b.test')];
    {
      await using cache = await startOver([a, b], folder.path);
      for (const side of [a, b, a, b]) await pullOwn(cache, side, form);
      // Whoever reads a fill has its last byte before the disk has the blob.
      await cache.tells('fill-finished', a.image.blobs.length + b.image.blobs.length);
      await pullOwn(cache, a, PLAIN);
      expect(await statusesOfForeign(cache, a, b, form)).toEqual([404]);
      expect(await statusesOfForeign(cache, b, a, form)).toEqual([404]);
      await Promise.all([a, b].map(({ origin }) => origin[Symbol.asyncDispose]()));
      for (const side of [a, b]) await pullOwn(cache, side, form);
      await pullOwn(cache, a, PLAIN);
      expect(await statusesOfForeign(cache, b, a, form)).toEqual([502]);
    }
    await using again = await startOver([a, b], folder.path);
    for (const side of [a, b]) await pullOwn(again, side, form);
    await pullOwn(again, a, PLAIN);
    expect(await statusesOfForeign(again, a, b, form)).toEqual([502]);
  });
});

describe('a default namespace that is another one after a restart', () => {
  test('gives plain names its own content, and the old default keeps what it held', async () => {
    await using folder = await tempFolder('namespaces');
    const [a, b] = [await startSide('a.test'), await startSide('b.test')];
    {
      await using cache = await startOver([a, b], folder.path);
      await pullOwn(cache, a, PLAIN);
    }
    {
      await using cache = await startOver([b, a], folder.path);
      await pullOwn(cache, b, PLAIN);
      for (const [, form] of FORMS) {
        await pullOwn(cache, a, form);
        await pullOwn(cache, b, form);
      }
      expect(await statusesOfForeign(cache, b, a, PLAIN)).toEqual([404]);
    }
    await Promise.all([a, b].map(({ origin }) => origin[Symbol.asyncDispose]()));
    for (const sides of [
      [b, a],
      [a, b],
    ] as const) {
      await using cache = await startOver(sides, folder.path);
      await pullOwn(cache, sides[0], PLAIN);
      for (const side of sides) for (const [, form] of FORMS) await pullOwn(cache, side, form);
      expect(await statusesOfForeign(cache, sides[0], sides[1], PLAIN)).toEqual([502]);
    }
  });

  test('and down from the start, gives nothing of the old one', async () => {
    await using folder = await tempFolder('namespaces');
    const [a, b] = [await startSide('a.test'), await startSide('b.test')];
    {
      await using cache = await startOver([a], folder.path);
      await pullOwn(cache, a, PLAIN);
    }
    await b.origin[Symbol.asyncDispose]();
    await using cache = await startOver([b], folder.path);
    expect((await cache.ask('/v2/lib/app/manifests/v1')).status).toBe(502);
    expect(await statusesOfForeign(cache, b, a, PLAIN)).toEqual([502]);
    // No longer configured: a repository of the default with an odd name.
    expect((await cache.ask('/v2/a.test/lib/app/manifests/v1')).status).toBe(502);
    expect(await statusesOfForeign(cache, a, a, (_ns, rest) => `/v2/a.test/${rest}`)).toEqual([502]);
    expect((await cache.ask('/v2/lib/app/manifests/v1?ns=a.test')).status).toBe(404);
  });
});

describe('a digest that is held for one namespace only', () => {
  const blob = seededContent('of a alone', 100_000);
  const manifest = bytesContent(Buffer.from('{"schemaVersion":2,"of":"a"}'));
  const paths = [`lib/app/blobs/${blob.digest}`, `lib/app/manifests/${manifest.digest}`];

  test.each<[string, number, boolean, Answerer]>([
    ['does not have it', 404, false, says(404)],
    ['does not have it', 404, true, says(404)],
    ['denies it', 403, false, says(403)],
    ['fails', 502, false, says(500)],
    ['fails', 502, true, says(500)],
    ['does not answer', 504, false, hangs()],
    ['does not answer', 504, true, hangs()],
  ])(
    'is not given where the other one’s origin %s: %i (while it is filled: %s)',
    async (_what, status, filling, answer) => {
      const [a, b] = [await kept(startScriptedUpstream()), await kept(startScriptedUpstream())];
      const stepped = new SteppedBlob(blob);
      a.on('GET', `/v2/${paths[0]}`, stepped.answer).on(
        'GET',
        `/v2/${paths[1]}`,
        sends(manifest, { contentType: OCI_MANIFEST }),
      );
      for (const path of paths) b.always('GET', `/v2/${path}`, answer).always('HEAD', `/v2/${path}`, answer);
      const cache = await kept(
        startCache({
          origin: `${a.url}\n            namespace: a.test`,
          downstream: [`  - originhost: ${b.url}`, '    namespace: b.test', 'timeouts: {headers: 300ms}'],
        }),
      );
      const held = await cache.ask(`/v2/${paths[0]}`);
      await (await cache.ask(`/v2/${paths[1]}`)).bytes();
      if (!filling) {
        await stepped.finish();
        await cache.tells('fill-finished');
      }
      const questions = paths.flatMap((path) =>
        ['HEAD', 'GET'].flatMap((method) =>
          [{}, { range: 'bytes=0-0' }, { 'if-none-match': '*' }].map(async (headers) => {
            const refused = await cache.ask(`/v2/${path}?ns=b.test`, { method, headers });
            expect([path, method, refused.status]).toEqual([path, method, status]);
            expect((await refused.bytes()).toString()).not.toContain(blob.digest);
          }),
        ),
      );
      await Promise.all(questions);
      if (filling) await stepped.finish();
      expect((await held.bytes()).equals(blob.read(0, 100_000))).toBe(true);
    },
  );

  test('is stored once, and fetched once, though both have it', async () => {
    const [a, b] = [await kept(startScriptedUpstream()), await kept(startScriptedUpstream())];
    const path = `/v2/${paths[0]}`;
    a.on('GET', path, sends(blob));
    b.on('HEAD', path, sends(blob));
    const cache = await kept(
      startCache({
        origin: `${a.url}\n            namespace: a.test`,
        downstream: [`  - originhost: ${b.url}`, '    namespace: b.test'],
      }),
    );
    await (await cache.ask(path)).bytes();
    await cache.tells('fill-finished');
    for (const form of [PLAIN, ...FORMS.map(([, each]) => each)]) {
      const answer = await cache.ask(form('b.test', paths[0] ?? ''));
      expect((await answer.bytes()).equals(blob.read(0, 100_000))).toBe(true);
    }
    expect(await readStoreTree(cache.root)).toEqual({ digests: [blob.digest], wrong: [], temporary: [] });
    expect([a.requests.length, b.requests.length]).toEqual([1, 1]);
  });
});

describe('Docker Hub', () => {
  test('has three names, and its official images two: one repository, fetched once', async () => {
    const hub = await kept(startEmbeddedOrigin());
    const image = await seedImage({ seed: 'alpine', layerBytes: [1000] });
    hub.addImage('library/alpine', '3', image);
    const other = await startSide('a.test');
    await using cache = await startOver([{ ns: 'docker.io', origin: hub }, other]);
    const { digest } = image.root.content;
    const names = ['docker.io', 'registry-1.docker.io', 'index.docker.io', 'Docker.IO'];
    for (const name of ['alpine', 'library/alpine']) {
      for (const form of [PLAIN, ...FORMS.map(([, each]) => each)]) {
        for (const ns of names) {
          const answer = await cache.ask(form(ns, `${name}/manifests/${digest}`));
          expect((await answer.bytes()).equals(image.root.content.read(0, 10_000))).toBe(true);
          const named = form(ns, '').includes('?ns=') ? 'docker.io' : undefined;
          expect(answer.headers['oci-namespace']).toBe(named);
        }
      }
    }
    expect(hub.requests.map(({ url }) => url)).toEqual([`/v2/library/alpine/manifests/${digest}`]);
    expect((await cache.ask('/v2/app/manifests/v1?ns=a.test')).status).toBe(404);
    expect(other.origin.requests.map(({ url }) => url)).toEqual(['/v2/app/manifests/v1']);
  });
});

describe('a namespace that is not configured', () => {
  const suite = new AsyncDisposableStack();
  let cache: RunningCache;
  beforeAll(async () => {
    const a = suite.use(await startScriptedUpstream());
    cache = suite.use(await startCache({ origin: `${a.url}\n            namespace: a.test` }));
  });
  afterAll(async () => suite.disposeAsync());

  test.each([
    'c.test',
    'a.test.',
    'a.test:443',
    'a.test@evil.test',
    'a.test%00',
    'a.test%2f..',
    'a%E3%80%82test',
    'evil.test%23a.test',
    '169.254.169.254',
    'http%3A%2F%2F169.254.169.254%2Flatest',
    '[::1]:80',
    'localhost',
    '127.0.0.1',
    '..',
    '',
  ])('such as %j is 404 NAME_UNKNOWN, and nobody is connected to', async (ns) => {
    using dialled = watchDialled();
    for (const rest of [
      '',
      'lib/app/manifests/v1',
      `lib/app/blobs/sha256:${'a'.repeat(64)}`,
      'lib/app/tags/list',
    ]) {
      for (const path of [`/v2/${rest}?ns=${ns}`, `/a.test/v2/${rest}?ns=${ns}`]) {
        const answer = await cache.ask(path);
        expect([answer.status, JSON.parse((await answer.bytes()).toString())]).toMatchObject([
          404,
          { errors: [{ code: 'NAME_UNKNOWN' }] },
        ]);
        expect(answer.headers['oci-namespace']).toBeUndefined();
      }
    }
    expect([...dialled.addresses]).toEqual([new URL(cache.url).host]);
  });
});
