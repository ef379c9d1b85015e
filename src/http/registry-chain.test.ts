import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const BLOB = seededContent('chain', 100_000);
const BLOB_PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
const OTHER_PATH = `/v2/lib/app/blobs/sha256:${'0'.repeat(64)}`;
const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2,"layers":[]}'));
const TAG_PATH = '/v2/lib/app/manifests/v1';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function kept<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

const chain: AsyncDisposable[] = [];
let origin: ScriptedUpstream;
let asia: RunningCache;
let china: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  asia = await startCache({ origin: origin.url, downstream: ['name: asia'] });
  china = await startCache({ origin: origin.url, hop: asia.url, downstream: ['name: china'] });
  chain.push(china, asia, origin);
});
afterAll(async () => {
  for (const each of chain) await each[Symbol.asyncDispose]();
});

describe('two hops, one after the other', () => {
  it('tell the way of an answer, the origin’s side first, and fetch it once', async () => {
    origin.on('GET', BLOB_PATH, sends(BLOB));
    const cold = await china.ask(BLOB_PATH);
    expect(await cold.bytes()).toEqual(BLOB.read(0, BLOB.sizeBytes));
    expect(cold.headers['cache-status']).toBe(
      '"asia"; fwd=miss; fwd-status=200; stored, "china"; fwd=miss; fwd-status=200; stored',
    );
    expect(cold.headers.via).toMatch(/^1\.1 asia \([0-9a-f-]+\), 1\.1 china \([0-9a-f-]+\)$/);
    expect(cold.headers['server-timing']).toMatch(/^asia\.upstream;dur=[\d.]+, upstream;dur=[\d.]+$/);
    await china.tells('fill-finished');
    const warm = await china.ask(BLOB_PATH);
    await warm.bytes();
    expect(warm.headers['cache-status']).toBe('"china"; hit');
    expect(warm.headers.via).toMatch(/^1\.1 china \([0-9a-f-]+\)$/);
    expect(warm.headers['server-timing']).toBeUndefined();
  });

  it('tell the origin which way a request came, and never the namespace', async () => {
    origin.on('HEAD', OTHER_PATH, sends(BLOB));
    const before = origin.requests.length;
    await china.ask(OTHER_PATH, {
      method: 'HEAD',
      headers: { via: '1.1 edge (e)', authorization: 'Bearer mine', cookie: 'c=1' },
    });
    expect(origin.requests[before]?.headers.via).toMatch(
      /^1\.1 edge \(e\), 1\.1 china \([0-9a-f-]+\), 1\.1 asia \([0-9a-f-]+\)$/,
    );
    expect(origin.requests[before]?.url).toBe(OTHER_PATH);
    expect(origin.requests[before]?.headers.authorization).toBeUndefined();
    expect(origin.requests[before]?.headers.cookie).toBeUndefined();
  });

  it('tell of a revalidated tag', async () => {
    const manifest = sends(MANIFEST, { contentType: OCI_MANIFEST });
    origin.on('GET', TAG_PATH, manifest).on('HEAD', TAG_PATH, says(304));
    await (await china.ask(TAG_PATH)).bytes();
    const again = await china.ask(TAG_PATH);
    expect((await again.bytes()).toString()).toBe(MANIFEST.read(0, 100).toString());
    expect(again.headers['cache-status']).toBe(
      '"asia"; fwd=stale; fwd-status=304, "china"; fwd=stale; fwd-status=304',
    );
    expect(again.headers.age).toBeUndefined();
  });

  it('pass the origin’s no on as the origin’s', async () => {
    origin.on('GET', '/v2/lib/app/manifests/none', says(404));
    const unknown = await china.ask('/v2/lib/app/manifests/none');
    expect(unknown.status).toBe(404);
    expect(unknown.headers['cache-status']).toBe(
      '"asia"; fwd=miss; fwd-status=404, "china"; fwd=miss; fwd-status=404',
    );
  });

  it('take a no of the hop itself for a failure: 404 is the origin’s to say', async () => {
    const other = await kept(startScriptedUpstream());
    const lost = await kept(startCache({ origin: other.url, hop: asia.url, fallback: false }));
    const before = origin.requests.length;
    const answer = await lost.ask(TAG_PATH);
    expect(answer.status).toBe(502);
    expect(lost.told('upstream-failed')[0]).toMatchObject({
      hint: expect.stringContaining('namespace') as string,
    });
    expect([origin.requests.length - before, other.requests]).toEqual([0, []]);
  });
});

describe('a request', () => {
  it('that comes back to a hop is answered with 508, here and at the client', async () => {
    const front = await kept(startScriptedUpstream());
    const cache = await kept(startCache({ origin: front.url }));
    // What the cache asks for comes back to it by another way.
    front.always('HEAD', BLOB_PATH, async ({ request, response }) => {
      const back = await cache.ask(BLOB_PATH, {
        method: 'HEAD',
        headers: { via: request.headers.via ?? '' },
      });
      response.writeHead(back.status).end();
    });
    const answer = await cache.ask(BLOB_PATH, { method: 'HEAD' });
    expect(answer.status).toBe(508);
    expect(front.requests).toHaveLength(1);
  });

  it('that has passed eight hops goes no further, and the error says so', async () => {
    const before = origin.requests.length;
    const via = Array.from({ length: 8 }, (_, index) => `1.1 h${index}`).join(', ');
    const answer = await china.ask(OTHER_PATH, { headers: { via } });
    expect([answer.status, JSON.parse((await answer.bytes()).toString()).errors[0].message]).toEqual([
      508,
      'a request may pass at most 8 hops',
    ]);
    expect(origin.requests).toHaveLength(before);
  });

  it('whose Via is malformed is answered with 400', async () => {
    expect((await china.ask(OTHER_PATH, { headers: { via: 'nonsense' } })).status).toBe(400);
  });
});

describe('namespaces', () => {
  /** A cache of two origins, the second of them Docker Hub. */
  async function two(): Promise<{
    dtr: ScriptedUpstream;
    hub: ScriptedUpstream;
    cache: RunningCache;
    ns: string;
  }> {
    const [dtr, hub] = [await kept(startScriptedUpstream()), await kept(startScriptedUpstream())];
    const second = [`  - originhost: ${hub.url}`, '    namespace: docker.io'];
    const cache = await kept(startCache({ origin: dtr.url, downstream: second }));
    return { dtr, hub, cache, ns: new URL(dtr.url).host };
  }

  it('choose the upstream: by ns, by a path before or behind v2, or by default', async () => {
    const { dtr, hub, cache, ns } = await two();
    const official = '/v2/library/alpine/manifests/3';
    const manifest = sends(MANIFEST, { contentType: OCI_MANIFEST });
    hub.always('HEAD', official, manifest);
    dtr.always('HEAD', '/v2/alpine/manifests/3', manifest);
    const asked = [
      '/v2/alpine/manifests/3?ns=docker.io',
      '/v2/library/alpine/manifests/3?ns=docker.io',
      '/docker.io/v2/alpine/manifests/3',
      '/v2/docker.io/alpine/manifests/3',
      '/v2/docker.io/library/alpine/manifests/3',
      '/v2/alpine/manifests/3',
      `/v2/alpine/manifests/3?ns=${ns}`,
      `/${ns}/v2/alpine/manifests/3`,
    ];
    const echoed: (string | undefined)[] = [];
    for (const path of asked) {
      const { status, headers } = await cache.ask(path, { method: 'HEAD' });
      expect([path, status]).toEqual([path, 200]);
      echoed.push(headers['oci-namespace']?.toString());
    }
    expect([hub.requests.length, dtr.requests.length]).toEqual([5, 3]);
    expect(echoed).toEqual([
      'docker.io',
      'docker.io',
      undefined,
      undefined,
      undefined,
      undefined,
      ns,
      undefined,
    ]);
  });

  it('that are not configured are 404 NAME_UNKNOWN, and nobody is connected to', async () => {
    const { dtr, hub, cache } = await two();
    const stranger = await kept(startScriptedUpstream());
    const ns = new URL(stranger.url).host;
    for (const path of [
      `/v2/alpine/manifests/3?ns=${ns}`,
      `/v2/?ns=${ns}`,
      `/docker.io/v2/alpine/manifests/3?ns=${ns}`,
    ]) {
      const answer = await cache.ask(path);
      expect(answer.headers['oci-namespace']).toBeUndefined();
      expect([answer.status, JSON.parse((await answer.bytes()).toString()).errors[0].code]).toEqual([
        404,
        'NAME_UNKNOWN',
      ]);
    }
    expect([stranger.requests, dtr.requests, hub.requests]).toEqual([[], [], []]);
  });
});
