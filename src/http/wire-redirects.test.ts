import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { challenges, redirectsTo, says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const BASIC = `Basic ${Buffer.from('robot:pass').toString('base64')}`;
const CODES = [301, 302, 303, 307, 308] as const;

let origin: ScriptedUpstream;
/** Where the origin keeps its bytes: another host as far as credentials go. */
let storage: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  storage = await startScriptedUpstream();
  // Further keys of the same upstream, as YAML goes.
  cache = await startCache({
    origin: `${origin.url}\n            username: robot\n            password: pass`,
  });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await Promise.all([origin[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
});

/** Has the origin ask for its credentials, and then send to a place of its storage. */
function redirecting(to: string, status: (typeof CODES)[number] = 307): Answerer {
  return challenges('Basic realm="o"', BASIC, redirectsTo(`${storage.url}${to}`, status));
}

describe.each(CODES)('line 10: an upstream’s %i is followed here', (status) => {
  test.each(['HEAD', 'GET'])('for a manifest, by tag and by digest, asked for by %s', async (method) => {
    const manifest = bytesContent(Buffer.from(`{"schemaVersion":2,"x":"${method} ${status}"}`));
    for (const reference of [`v${status}`, manifest.digest]) {
      const path = `/v2/lib/${method.toLowerCase()}/manifests/${reference}`;
      const to = `/${method}/${status}/${reference}?signature=1`;
      origin.always(method, path, redirecting(to, status));
      storage.on(method, to, sends(manifest, { contentType: OCI_MANIFEST }));
      const answer = await cache.ask(path, { method });
      expect([answer.status, answer.headers]).toMatchObject([
        200,
        { 'docker-content-digest': manifest.digest, 'content-length': String(manifest.sizeBytes) },
      ]);
      expect(answer.headers.location).toBeUndefined();
    }
  });

  test('for a blob, HEAD, part and whole', async () => {
    const content = seededContent(`redirected ${status}`, 50_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    origin.always('HEAD', path, redirecting(`/b${status}`, status));
    origin.always('GET', path, redirecting(`/b${status}`, status));
    storage.on('HEAD', `/b${status}`, sends(content)).on('GET', `/b${status}`, sends(content));
    const head = await cache.ask(path, { method: 'HEAD' });
    expect([head.status, head.headers['content-length']]).toEqual([200, '50000']);
    const part = await cache.ask(path, { headers: { range: 'bytes=40000-' } });
    expect([part.status, part.headers['content-range']]).toEqual([206, 'bytes 40000-49999/50000']);
    expect((await part.bytes()).equals(content.read(40_000, 10_000))).toBe(true);
    const whole = await cache.ask(path);
    expect([whole.status, (await whole.bytes()).equals(content.read(0, 50_000))]).toEqual([200, true]);
  });
});

describe('line 10: redirects', () => {
  test('are asked for afresh where a fill goes on: a signature is good once', async () => {
    const content = seededContent('signed', 100_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    origin.on('GET', path, redirecting('/s?signature=1')).on('GET', path, redirecting('/s?signature=2'));
    storage
      .on('GET', '/s?signature=1', sends(content, { cutAfterBytes: 30_000 }))
      .on('GET', '/s?signature=2', sends(content));
    const answer = await cache.ask(path);
    expect((await answer.bytes()).equals(content.read(0, 100_000))).toBe(true);
    expect(storage.requests.at(-1)?.headers.range).toBe('bytes=30000-');
  });

  test.each<[string, Answerer]>([
    ['that go round', redirectsTo('/v2/lib/round/manifests/v1')],
    ['to nowhere', says(307)],
    ['to another scheme', redirectsTo('ftp://127.0.0.1/x')],
    ['with a password', redirectsTo('http://a:b@127.0.0.1:1/x')],
    ['that are none', says(300, { location: '/v2/' })],
  ])('%s are a 502, never a 3xx', async (_what, answer) => {
    await using lost = await startScriptedUpstream();
    const path = '/v2/lib/round/manifests/v1';
    lost.always('GET', path, answer).always('HEAD', path, answer);
    await using over = await startCache({ origin: lost.url });
    for (const method of ['HEAD', 'GET']) {
      const told = await over.ask(path, { method });
      expect([told.status, told.headers.location]).toEqual([502, undefined]);
    }
  });

  test('never take the credentials along to another host', () => {
    expect(origin.requests.filter(({ headers }) => headers.authorization === BASIC).length).toBeGreaterThan(
      10,
    );
    expect(storage.requests.length).toBeGreaterThan(10);
    for (const { headers } of storage.requests) expect(headers.authorization).toBeUndefined();
  });
});
