import { afterEach, describe, expect, test, vi } from 'vitest';
import { challenges, says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { startEmbeddedOrigin } from '../../fixtures/embedded-origin.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { type RunningCache, type RunningCacheOptions, startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { seedImage } from '../bench/image/seeded-image.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { loadConfig } from '../config/load-config.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2,"layers":[]}'));
const TAG_PATH = '/v2/lib/app/manifests/v1';
const MISS = 'fwd=miss; fwd-status=200; stored';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function kept<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

/** A cache that pulls from another one, and never from the origin itself. */
async function behind(
  hop: RunningCache,
  origin: string,
  name: string,
  more: Partial<RunningCacheOptions> = {},
): Promise<RunningCache> {
  const downstream = [`name: ${name}`, ...(more.downstream ?? [])];
  return await kept(startCache({ ...more, origin, hop: hop.url, fallback: false, downstream }));
}

function pathOf({ digest }: Content): string {
  return `/v2/lib/app/blobs/${digest}`;
}

describe('a loop', () => {
  test('of two caches is 508 with an OCI error that names it, for every noun', async () => {
    const named = (url: string): string => `${url}\n            namespace: loop.test`;
    const one = await kept(startCache({ origin: named('http://127.0.0.1:1'), downstream: ['name: one'] }));
    const other = await kept(startCache({ origin: named(one.url), downstream: ['name: other'] }));
    await one.daemon.reload(await configOf(one.root, other.url));
    const digest = `sha256:${'a'.repeat(64)}`;
    for (const noun of [`blobs/${digest}`, `manifests/${digest}`, 'manifests/v1', 'tags/list']) {
      const answer = await one.ask(`/v2/lib/app/${noun}`);
      expect([noun, answer.status]).toEqual([noun, 508]);
      expect(JSON.parse((await answer.bytes()).toString())).toMatchObject({
        errors: [{ code: 'UNSUPPORTED', message: expect.stringContaining('loop') as string }],
      });
    }
    const heads = await other.ask(`/v2/lib/app/blobs/${digest}`, { method: 'HEAD' });
    expect(heads.status).toBe(508);
    // Each question went round once; the rest is `one` asking whether `other` is there.
    const questions = (cache: RunningCache): number =>
      cache.told('request').filter(({ target }) => target !== '/v2/').length;
    await vi.waitFor(() => expect([questions(one), questions(other)]).toEqual([9, 6]), { timeout: 10_000 });
    expect([...one.told('internal-error'), ...other.told('internal-error')]).toEqual([]);
  });

  async function configOf(
    root: string,
    originUrl: string,
  ): Promise<Parameters<RunningCache['daemon']['reload']>[0]> {
    const text = `version: 0.1
storage: {delete: {enabled: true}, filesystem: {rootdirectory: ${root}}}
http: {addr: "127.0.0.1:0"}
middleware:
  registry:
    - name: downstream
      options:
        name: one
        upstreams: [{originhost: "${originUrl}", namespace: loop.test}]
`;
    const { config } = await loadConfig({
      file: 'config.yml',
      env: {},
      readFile: () => Promise.resolve(text),
    });
    return config;
  }
});

describe('a chain', () => {
  test('lets eight hops pass and no ninth, wherever it is counted', async () => {
    const origin = await kept(startScriptedUpstream());
    origin.on('GET', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST }));
    const asia = await kept(startCache({ origin: origin.url, downstream: ['name: asia'] }));
    const china = await behind(asia, origin.url, 'china');
    const passed = (hops: number): { via: string } => ({
      via: Array.from({ length: hops }, (_, index) => `1.1 h${index}`).join(', '),
    });
    const ninth = await china.ask(TAG_PATH, { headers: passed(7) });
    expect([ninth.status, JSON.parse((await ninth.bytes()).toString())]).toMatchObject([
      508,
      { errors: [{ code: 'UNSUPPORTED' }] },
    ]);
    expect(origin.requests).toEqual([]);
    expect((await china.ask(TAG_PATH, { headers: passed(6) })).status).toBe(200);
    expect(origin.requests[0]?.headers.via?.split(', ')).toHaveLength(8);
  });

  test('of two caches of one name is no loop', async () => {
    const origin = await kept(startScriptedUpstream());
    origin.on('GET', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST }));
    const asia = await kept(startCache({ origin: origin.url, downstream: ['name: cache'] }));
    const china = await behind(asia, origin.url, 'cache');
    const answer = await china.ask(TAG_PATH);
    expect([answer.status, answer.headers['cache-status']]).toEqual([
      200,
      `"cache"; ${MISS}, "cache"; ${MISS}`,
    ]);
  });

  test('tells of each hop whether it waited, joined or had it', async () => {
    const origin = await kept(startScriptedUpstream());
    const blob = seededContent('joined', 100_000);
    const stepped = new SteppedBlob(blob);
    origin.on('GET', pathOf(blob), stepped.answer);
    const asia = await kept(startCache({ origin: origin.url, downstream: ['name: asia'] }));
    const china = await behind(asia, origin.url, 'china');
    const india = await behind(asia, origin.url, 'india');
    const joined = 'fwd=miss; fwd-status=200; collapsed';
    const answers = [];
    for (const cache of [china, china, india, asia]) answers.push(await cache.ask(pathOf(blob)));
    expect(answers.map(({ headers }) => headers['cache-status'])).toEqual([
      `"asia"; ${MISS}, "china"; ${MISS}`,
      `"asia"; ${MISS}, "china"; ${joined}`,
      `"asia"; ${joined}, "india"; ${MISS}`,
      `"asia"; ${joined}`,
    ]);
    const waits = /^asia\.upstream;dur=[\d.]+, upstream;dur=[\d.]+$/;
    for (const { headers } of answers.slice(0, 3)) expect(headers['server-timing']).toMatch(waits);
    await stepped.finish();
    for (const answer of answers) expect((await answer.bytes()).equals(blob.read(0, 100_000))).toBe(true);
    await Promise.all([asia, china].map((cache) => cache.tells('fill-finished')));
    const late = await behind(asia, origin.url, 'late');
    const cold = await late.ask(pathOf(blob));
    expect(cold.headers['cache-status']).toBe(`"asia"; hit, "late"; ${MISS}`);
    expect(cold.headers['server-timing']).toMatch(/^upstream;dur=[\d.]+$/);
    expect((await cold.bytes()).length).toBe(100_000);
    expect(origin.requests).toHaveLength(1);
  });

  test('adds up the age of what nobody has validated', async () => {
    const clock = new ManualClock();
    const origin = await kept(startScriptedUpstream());
    origin.on('GET', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST, headers: { age: '5' } }));
    const believing = { clock, downstream: ['tagttl: 1h'] };
    const asia = await kept(startCache({ origin: origin.url, ...believing }));
    const china = await behind(asia, origin.url, 'china', believing);
    const ages: (string | undefined)[] = [(await asia.ask(TAG_PATH)).headers.age];
    for (const cache of [asia, china, china]) {
      await clock.advance(10_000);
      ages.push((await cache.ask(TAG_PATH)).headers.age);
    }
    expect(ages).toEqual(['5', '15', '25', '35']);
    expect(origin.requests).toHaveLength(1);
  });

  test('serves what is stale hop by hop as its upstreams fail, and says so', async () => {
    const clock = new ManualClock();
    const origin = await startEmbeddedOrigin();
    origin.addImage('lib/app', 'v1', await seedImage({ seed: 'stale', layerBytes: [1000] }));
    const asia = await startCache({ origin: origin.url, clock, downstream: ['name: asia'] });
    const china = await behind(asia, origin.url, 'china', { clock, downstream: ['staleiferror: 5m'] });
    const image: { config: { digest: string }; layers: { digest: string }[] } = JSON.parse(
      (await (await china.ask(TAG_PATH)).bytes()).toString(),
    );
    for (const { digest } of [image.config, ...image.layers])
      await (await china.ask(`/v2/lib/app/blobs/${digest}`)).bytes();
    await Promise.all([asia, china].map((cache) => cache.tells('fill-finished', 2)));
    const told: unknown[] = [];
    const asked = async (): Promise<void> => {
      await clock.advance(60_000);
      const { status, headers } = await china.ask(TAG_PATH);
      told.push([status, headers['cache-status'], headers.age]);
    };
    await asked();
    await origin[Symbol.asyncDispose]();
    await asked();
    await asia[Symbol.asyncDispose]();
    await asked();
    await clock.advance(4 * 60_000);
    await asked();
    expect(told).toEqual([
      [200, '"asia"; fwd=stale; fwd-status=304, "china"; fwd=stale; fwd-status=304', undefined],
      [200, '"asia"; hit; detail=stale, "china"; fwd=stale; fwd-status=304', '60'],
      [200, '"china"; hit; detail=stale', '120'],
      [502, '"china"; fwd=miss', undefined],
    ]);
  });
});

describe('headers', () => {
  const chatter = {
    server: 'db-7.internal',
    'x-powered-by': 'db-7.internal',
    'set-cookie': 'c=1',
    'www-authenticate': 'Basic realm="x"',
    'proxy-authenticate': 'Basic realm="x"',
    'x-amz-request-id': '1',
    'content-disposition': 'attachment',
    'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
    warning: '299 - "x"',
    upgrade: 'h2c',
    'x-nominated': '1',
    connection: 'x-nominated, upgrade',
    'keep-alive': 'timeout=1',
    expires: '0',
    pragma: 'no-cache',
    location: '/elsewhere',
  };

  test('of an answer pass by a list, those of an upstream’s error too', async () => {
    const origin = await kept(startScriptedUpstream());
    const blob = seededContent('chatter', 1000);
    origin
      .on('GET', pathOf(blob), sends(blob, { headers: chatter }))
      .on('GET', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST, headers: chatter }))
      .on('GET', '/v2/lib/app/manifests/none', says(404, chatter));
    const cache = await kept(startCache({ origin: origin.url }));
    for (const path of [pathOf(blob), TAG_PATH, '/v2/lib/app/manifests/none']) {
      const answer = await cache.ask(path);
      await answer.bytes();
      for (const name of Object.keys(chatter)) {
        expect([path, name, answer.headers[name]]).toEqual([
          path,
          name,
          name === 'connection' ? 'close' : undefined,
        ]);
      }
    }
  });

  test('of a request pass by a list: no credentials, no cookies, nothing of one hop only', async () => {
    const origin = await kept(startScriptedUpstream());
    const blob = seededContent('request', 1000);
    origin
      .on('GET', pathOf(blob), sends(blob))
      .on('GET', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST }));
    const asia = await kept(startCache({ origin: origin.url }));
    const china = await behind(asia, origin.url, 'china');
    const headers = {
      authorization: 'Bearer mine',
      'proxy-authorization': 'Basic mine',
      cookie: 'c=1',
      te: 'trailers',
      'x-forwarded-for': '10.0.0.1',
      'x-registry-auth': 'mine',
      'user-agent': 'containerd/2.1',
      'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT',
      range: 'bytes=10-',
      'accept-encoding': 'gzip',
      accept: 'text/html',
      'if-match': '"x"',
    };
    for (const path of [pathOf(blob), TAG_PATH]) await (await china.ask(path, { headers })).bytes();
    const seen = origin.requests.map((request) => Object.keys(request.headers).toSorted());
    const always = ['accept-encoding', 'connection', 'host', 'user-agent', 'via'];
    expect(seen).toEqual([always, ['accept', ...always]]);
    expect(origin.requests.map((request) => request.headers['user-agent'])).toEqual(['regcache', 'regcache']);
  });

  test('of a request carry the origin’s credentials to the origin alone, though a hop asks for some', async () => {
    const origin = await kept(startScriptedUpstream());
    const hop = await kept(startScriptedUpstream());
    const basic = `Basic ${Buffer.from('robot:pass').toString('base64')}`;
    const manifest = sends(MANIFEST, { contentType: OCI_MANIFEST });
    // In a regcache hop's words: its own refusal, not the origin's.
    const challenge = { 'www-authenticate': 'Basic realm="hop"', 'cache-status': '"hop"' };
    hop.on('GET', TAG_PATH, says(401, challenge));
    origin.on('GET', TAG_PATH, challenges('Basic realm="origin"', basic, manifest), 2);
    // Further keys of the same upstream, as YAML goes.
    const named = `${origin.url}\n            username: robot\n            password: pass`;
    const cache = await kept(startCache({ origin: named, hop: hop.url, fallback: true }));
    expect((await cache.ask(TAG_PATH)).status).toBe(200);
    expect(hop.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(origin.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, basic]);
  });
});
