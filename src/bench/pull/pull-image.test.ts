import { createSecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type EmbeddedOrigin, startEmbeddedOrigin } from '../../../fixtures/embedded-origin.ts';
import { says } from '../../../fixtures/behaviour.ts';
import { startRecordingServer } from '../../../fixtures/recording-server.ts';
import { makeCertificateAuthority } from '../../certs/certificate-authority.ts';
import { type SeededImage, seedImage } from '../image/seeded-image.ts';
import { type ClientName, HABITS } from './habits.ts';
import { pullImage } from './pull-image.ts';
import type { Endpoint } from './session.ts';

const image = await seedImage({
  seed: 'pull',
  layerBytes: [50_000, 2000, 1000, 500],
  architectures: ['amd64', 'arm64'],
});
const IMAGE = { repository: 'lib/app', reference: 'v1' };

function endpointOf(url: string, more: Partial<Endpoint> = {}): Endpoint {
  return { url: new URL(url), trust: undefined, authorizer: undefined, namespace: undefined, ...more };
}

async function pullFrom(endpoint: Endpoint, client: ClientName = 'containerd', platform = 'linux/amd64') {
  const signal = new AbortController().signal;
  return await pullImage({ endpoint, image: IMAGE, habits: HABITS[client], platform, signal });
}

async function originWith(what: SeededImage): Promise<EmbeddedOrigin> {
  return (await startEmbeddedOrigin()).addImage(IMAGE.repository, IMAGE.reference, what);
}

describe('an image is pulled as a client does', () => {
  test.each([
    ['containerd', 'HEAD tag, GET manifest, GET manifest, then config and layers; connections kept'],
    ['docker', 'GET /v2/, HEAD tag, GETs, each over a connection of its own'],
    ['skopeo', 'GET /v2/, GET tag, layers, the config last; each over a connection of its own'],
  ] as const)('%s: %s', async (client, _way) => {
    await using origin = await originWith(image);
    const pulled = await pullFrom(endpointOf(origin.url), client);
    expect(pulled.error).toBeUndefined();
    const asked = origin.requests.map(
      ({ method, path }) => `${method} ${path.replace('/v2/lib/app/', '').replace(/sha256:.*/, 'DIGEST')}`,
    );
    const talk = {
      containerd: ['HEAD manifests/v1', 'GET manifests/DIGEST', 'GET manifests/DIGEST'],
      docker: ['GET /v2/', 'HEAD manifests/v1', 'GET manifests/DIGEST', 'GET manifests/DIGEST'],
      skopeo: ['GET /v2/', 'GET manifests/v1', 'GET manifests/DIGEST'],
    }[client];
    expect(asked.slice(0, talk.length)).toEqual(talk);
    expect(asked.slice(talk.length)).toEqual(Array.from({ length: 5 }, () => 'GET blobs/DIGEST'));
    const connections = new Set(origin.requests.map(({ connectionId }) => connectionId)).size;
    expect(connections === origin.requests.length).toBe(!HABITS[client].keepsConnections);
    expect(pulled.requests.at(-1)?.what === 'config').toBe(client === 'skopeo');
    expect(pulled.requests).toHaveLength(origin.requests.length);
  });

  test('of the platform that is wanted, and each blob once', async () => {
    await using origin = await originWith(image);
    const { requests, bytes } = await pullFrom(endpointOf(origin.url), 'containerd', 'linux/arm64');
    const blobs = origin.requests.filter(({ path }) => path.includes('/blobs/'));
    const wanted = image.blobs.slice(5).map(({ digest }) => `/v2/lib/app/blobs/${digest}`);
    expect(blobs.map(({ path }) => path).toSorted()).toEqual(wanted.toSorted());
    expect(requests.map(({ what }) => what).toSorted()).toEqual([
      'config',
      'layer 1',
      'layer 2',
      'layer 3',
      'layer 4',
      'manifest',
      'manifest',
      'tag',
    ]);
    expect(bytes).toBe(requests.reduce((sum, request) => sum + request.bytes, 0));
  });

  test('its times follow each other', async () => {
    await using origin = await originWith(image);
    const { manifestMs, firstByteMs, imageMs, requests } = await pullFrom(endpointOf(origin.url));
    expect([manifestMs, firstByteMs, imageMs]).toEqual(
      [manifestMs, firstByteMs, imageMs].toSorted((one, other) => one - other),
    );
    for (const request of requests) expect(request.endMs).toBeGreaterThanOrEqual(request.firstByteMs);
  });

  test('over TLS that it trusts, and no other', async () => {
    const authority = await makeCertificateAuthority();
    await using origin = await startEmbeddedOrigin({ tls: await authority.issue() });
    origin.addImage(IMAGE.repository, IMAGE.reference, image);
    const trust = createSecureContext({ ca: authority.certificatePem });
    expect((await pullFrom(endpointOf(origin.url, { trust }))).error).toBeUndefined();
    expect((await pullFrom(endpointOf(origin.url))).error).toMatch(/certificate/);
  });

  test('a namespace is told by clients that do so', async () => {
    await using origin = await originWith(image);
    await pullFrom(endpointOf(origin.url, { namespace: 'docker.io' }), 'containerd');
    expect(origin.requests.every(({ url }) => url.endsWith('?ns=docker.io'))).toBe(true);
    await pullFrom(endpointOf(origin.url, { namespace: 'docker.io' }), 'docker');
    expect(origin.requests.at(-1)?.url).not.toContain('ns=');
  });
});

describe('what goes wrong is told', () => {
  test('an image that is not there', async () => {
    await using origin = await startEmbeddedOrigin();
    const { error } = await pullFrom(endpointOf(origin.url));
    expect(error).toBe('HEAD /v2/lib/app/manifests/v1 answered 404: there is no such image here');
  });

  test('wrong bytes, and a blob that ends short', async () => {
    await using origin = await originWith(image);
    const [, layer] = image.blobs;
    if (layer === undefined) throw new Error('the image has no layer');
    origin.shape(layer.digest, { wrongByteAt: 100 });
    expect((await pullFrom(endpointOf(origin.url))).error).toMatch(
      new RegExp(`^${layer.digest} came as sha256:`),
    );
    origin.shape(layer.digest, { cutAfterBytes: 1000 });
    expect((await pullFrom(endpointOf(origin.url))).error).toMatch(/aborted|ended/);
  });

  test('a server that is not there', async () => {
    const gone = await startEmbeddedOrigin();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    expect((await pullFrom(endpointOf(url))).error).toMatch(/ECONNREFUSED/);
  });

  test('redirects are followed, but never from https to http or round and round', async () => {
    await using origin = await originWith(image);
    const target = origin.url;
    await using server = await startRecordingServer({
      answer: async (exchange) => says(307, { location: `${target}${exchange.record.url}` })(exchange),
    });
    expect((await pullFrom(endpointOf(server.url))).error).toBeUndefined();
    await using round = await startRecordingServer({ answer: says(307, { location: '/v2/again' }) });
    expect((await pullFrom(endpointOf(round.url))).error).toBe('more than 5 redirects');
  });

  test('the signal’s reason is thrown', async () => {
    await using origin = await originWith(image);
    const signal = AbortSignal.abort(new Error('enough'));
    const endpoint = endpointOf(origin.url);
    await expect(
      pullImage({ endpoint, image: IMAGE, habits: HABITS.docker, platform: 'linux/amd64', signal }),
    ).rejects.toThrow('enough');
  });
});
