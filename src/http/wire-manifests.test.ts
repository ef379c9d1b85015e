import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { watchAskers } from '../../fixtures/askers.ts';
import { hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import { type Answer, ask } from '../../fixtures/client.ts';
import { bytesContent, type Content } from '../bench/image/content.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { DOCKER_LIST, MANIFEST_ACCEPT, OCI_INDEX, OCI_MANIFEST } from '../oci/media-type.ts';
import { Store } from '../store/store.ts';

let origin: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  cache = await startCache({ origin: origin.url });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** A manifest that nobody has asked for yet, in white space that no serialiser makes. */
let manifest: Content;
let byTag: string;
let byDigest: string;
let manifests = 0;
beforeEach(() => {
  manifests += 1;
  manifest = bytesContent(Buffer.from(`\uFEFF{ "schemaVersion":2,\r\n\t"layers":[], "é":"${manifests}" }\n`));
  byTag = `/v2/lib/app${manifests}/manifests/v1`;
  byDigest = `/v2/lib/app${manifests}/manifests/${manifest.digest}`;
});

const KINDS = ['tag', 'digest'] as const;
const STATES = ['held', 'unknown', 'being asked for'] as const;
const CASES = KINDS.flatMap((kind) => STATES.map((state) => [kind, state] as const));

/** Asks where the manifest is held, unknown, or while the origin thinks about the same question of another client. */
async function askAt(
  [kind, state]: (typeof CASES)[number],
  method: 'GET' | 'HEAD',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const path = kind === 'tag' ? byTag : byDigest;
  const answer = sends(manifest, { contentType: OCI_MANIFEST });
  if (state !== 'being asked for') {
    origin.always('GET', path, answer).always('HEAD', path, answer);
    if (state === 'held') await (await cache.ask(path)).bytes();
    return await cache.ask(path, { method, headers });
  }
  const gate = Promise.withResolvers<void>();
  origin.on(method, path, async (exchange) => {
    await gate.promise;
    await answer(exchange);
  });
  using askers = watchAskers(Store.prototype, kind === 'tag' ? 'readTag' : 'isProven');
  const first = cache.ask(path, { method });
  const joining = cache.ask(path, { method, headers });
  await askers.came(2);
  gate.resolve();
  await (await first).bytes();
  return await joining;
}

describe('line 1: GET and HEAD of /v2/ say that this is a registry', () => {
  test.each<[string, Answerer]>([
    ['hangs up', hangsUp()],
    ['challenges', says(401, { 'www-authenticate': 'Basic realm="x"' })],
  ])('without a question to the upstream, which %s', async (_what, answer) => {
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', '/v2/', answer);
    await using alone = await startCache({ origin: upstream.url });
    const ns = new URL(upstream.url).host;
    for (const path of ['/v2/', '/v2', `/v2/?ns=${ns}`, `/${ns}/v2/`]) {
      for (const method of ['GET', 'HEAD']) {
        const pinged = await alone.ask(path, { method });
        expect([path, pinged.status]).toEqual([path, 200]);
        expect(pinged.headers).toMatchObject({
          'docker-distribution-api-version': 'registry/2.0',
          'content-type': 'application/json',
          'content-length': '2',
        });
        expect((await pinged.bytes()).toString()).toBe(method === 'HEAD' ? '' : '{}');
      }
    }
    expect(upstream.requests).toEqual([]);
  });
});

describe('line 2: HEAD of a manifest has Content-Type, Content-Length, Docker-Content-Digest and ETag', () => {
  test.each(CASES)('by %s, %s', async (...at) => {
    const answer = await askAt(at, 'HEAD');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': OCI_MANIFEST,
      'content-length': String(manifest.sizeBytes),
      'docker-content-digest': manifest.digest,
      etag: `"${manifest.digest}"`,
    });
    expect((await answer.bytes()).length).toBe(0);
  });

  test.each(['content-type', 'content-length', 'docker-content-digest'])(
    'though the upstream’s HEAD lacks %s: then it is asked by GET',
    async (missing) => {
      const fields = {
        'content-type': OCI_MANIFEST,
        'content-length': String(manifest.sizeBytes),
        'docker-content-digest': manifest.digest,
      };
      origin
        .on('HEAD', byTag, ({ response }) => {
          const told = Object.entries(fields).filter(([name]) => name !== missing);
          response.writeHead(200, Object.fromEntries(told)).end();
        })
        .on('GET', byTag, sends(manifest, { contentType: OCI_MANIFEST }));
      const answer = await cache.ask(byTag, { method: 'HEAD' });
      expect([answer.status, answer.headers]).toMatchObject([200, fields]);
      expect([origin.count('HEAD', byTag), origin.count('GET', byTag)]).toEqual([1, 1]);
    },
  );
});

describe('line 3: GET of a manifest gives the upstream’s exact bytes and type', () => {
  test.each(CASES)('by %s, %s', async (...at) => {
    const answer = await askAt(at, 'GET', { accept: DOCKER_LIST });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe(OCI_MANIFEST);
    expect((await answer.bytes()).equals(manifest.read(0, manifest.sizeBytes))).toBe(true);
  });

  test.each([OCI_INDEX, DOCKER_LIST, 'application/vnd.example.thing+json'])(
    'that is %s without the charset that the upstream adds, after a restart too',
    async (type) => {
      await using folder = await tempFolder('restart');
      const sent = sends(manifest, { contentType: `${type}; charset=utf-8` });
      origin.on('GET', byDigest, sent);
      for (const outcome of [/fwd=miss/, /; hit$/]) {
        await using started = await startCache({ origin: origin.url, root: folder.path });
        const answer = await started.ask(byDigest);
        expect([answer.status, answer.headers['content-type']]).toEqual([200, type]);
        expect(answer.headers['cache-status']).toMatch(outcome);
        expect((await answer.bytes()).equals(manifest.read(0, manifest.sizeBytes))).toBe(true);
      }
    },
  );

  test('for which every type known is accepted, whatever the client accepts', async () => {
    await askAt(['tag', 'unknown'], 'GET', { accept: 'text/html' });
    const asked = origin.requests.find(({ path }) => path === byTag);
    expect(asked?.headers.accept?.split(', ')).toEqual(MANIFEST_ACCEPT);
  });

  test.each([
    ['of 4 MiB', 4 * 1024 * 1024, false, 200],
    ['of 4 MiB without a length', 4 * 1024 * 1024, true, 200],
    ['of a byte more', 4 * 1024 * 1024 + 1, false, 502],
    ['of a byte more without a length', 4 * 1024 * 1024 + 1, true, 502],
  ])('%s', async (_what, sizeBytes, chunked, status) => {
    const padded = `{"schemaVersion":2,"${manifests}":"`;
    const large = bytesContent(Buffer.from(`${padded}${'x'.repeat(sizeBytes - padded.length - 2)}"}`));
    expect(large.sizeBytes).toBe(sizeBytes);
    origin.on('GET', byTag, sends(large, { contentType: OCI_MANIFEST, chunked }));
    const answer = await ask(`${cache.url}${byTag}`);
    expect(answer.status).toBe(status);
    const body = await answer.bytes();
    expect(body.equals(large.read(0, sizeBytes))).toBe(status === 200);
  });
});
