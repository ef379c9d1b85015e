import { createHash } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { watchAskers } from '../../fixtures/askers.ts';
import { hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import { breakTempFolder } from '../../fixtures/broken-disk.ts';
import { bytesContent, type Content } from '../bench/image/content.ts';
import type { Exchange } from '../../fixtures/recording-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, repositoryOf } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { formatDigest } from '../oci/digest.ts';
import { MAX_MANIFEST_BYTES } from '../oci/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-type.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

/** A manifest that no other test has. */
function freshManifest(label: string, more: object = {}): { content: Content; path: string; bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, annotations: { label }, ...more }));
  const content = bytesContent(bytes);
  return { content, path: `/v2/team/app/manifests/${content.digest}`, bytes };
}

const TYPED = { contentType: OCI_MANIFEST };

test('a manifest is fetched by digest once, then it comes from memory', async () => {
  const { content, path, bytes } = freshManifest('memory');
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { ...TYPED, headers: { age: '3', via: '1.1 origin' } }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest)).resolves.toEqual({
    kind: 'manifest',
    manifest: expect.objectContaining({
      digest: content.digest,
      mediaType: OCI_MANIFEST,
      sizeBytes: bytes.length,
    }),
    bytes,
    ageSeconds: 3,
    passage: {
      outcome: 'miss',
      missReason: 'new',
      trail: expect.objectContaining({ status: 200, via: '1.1 origin' }),
      upstreamMs: 0,
      stored: true,
    },
  });
  const hit = {
    kind: 'manifest',
    manifest: { digest: content.digest, mediaType: OCI_MANIFEST, sizeBytes: bytes.length },
    bytes,
    ageSeconds: 0,
    passage: { outcome: 'hit', trail: undefined, upstreamMs: undefined },
  };
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject(hit);
  await expect(cache.manifest('team/app', content.digest, true)).resolves.toMatchObject(hit);
});

test.each([
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.example.odd+json',
  'text/plain',
])('another daemon over the same store answers with the exact type %s', async (mediaType) => {
  const { content, path, bytes } = freshManifest(`type ${mediaType}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { contentType: mediaType }));
  {
    await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
    await cache.manifest('team/app', content.digest);
  }
  await disk.reopen();
  await using next = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(next.manifest('team/app', content.digest)).resolves.toMatchObject({
    manifest: { mediaType },
    bytes,
    passage: { outcome: 'hit' },
  });
});

test('where the upstream gives no type, the manifest says what it is', async () => {
  const { content, path } = freshManifest('untyped', { mediaType: OCI_INDEX });
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, { contentType: '' }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    manifest: { mediaType: OCI_INDEX },
  });
});

test('many who ask for one digest at once share one GET', async () => {
  const { content, path } = freshManifest('shared');
  await using upstream = await startScriptedUpstream();
  const asked = Promise.withResolvers<Exchange>();
  upstream.on('GET', path, asked.resolve);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using askers = watchAskers(disk.store, 'isProven');
  const asking = Promise.all(
    Array.from({ length: 8 }, async () => await cache.manifest('team/app', content.digest)),
  );
  await askers.came(8);
  await sends(content, TYPED)(await asked.promise);
  const all = await asking;
  expect(all.map(({ passage }) => passage.outcome).toSorted()).toEqual([
    ...Array.from({ length: 7 }, () => 'joined'),
    'miss',
  ]);
  expect(all.every((one) => one.kind === 'manifest' && one.bytes?.length === content.sizeBytes)).toBe(true);
});

test('one of many who leaves does not end the question for the others', async () => {
  const { content, path } = freshManifest('one leaves');
  await using upstream = await startScriptedUpstream();
  const asked = Promise.withResolvers<Exchange>();
  upstream.on('GET', path, asked.resolve);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using askers = watchAskers(disk.store, 'isProven');
  const client = new AbortController();
  const reference = { kind: 'digest', digest: content.digest } as const;
  const left = cache.manifests.pull({ ...cache.pull('team/app', client.signal), reference, headOnly: false });
  const exchange = await asked.promise;
  const stays = cache.manifest('team/app', content.digest);
  await askers.came(2);
  client.abort(new Error('the client left'));
  await expect(left).rejects.toThrow('the client left');
  await sends(content, TYPED)(exchange);
  await expect(stays).resolves.toMatchObject({ passage: { outcome: 'joined' } });
});

test('what is held for one repository is not held for another', async () => {
  const { content, path } = freshManifest('another repository');
  const otherPath = `/v2/team/other/manifests/${content.digest}`;
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED)).on('GET', otherPath, says(404));
  upstream.on('GET', otherPath, sends(content, { contentType: 'application/vnd.other+json' }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.manifest('team/app', content.digest);
  await expect(cache.manifest('team/other', content.digest)).resolves.toMatchObject({
    kind: 'not-pulled',
    error: { code: 'MANIFEST_UNKNOWN', status: 404 },
  });
  await expect(cache.manifest('team/other', content.digest)).resolves.toMatchObject({
    manifest: { mediaType: 'application/vnd.other+json' },
    passage: { outcome: 'miss' },
  });
  await expect(cache.manifest('team/other', content.digest)).resolves.toMatchObject({
    manifest: { mediaType: 'application/vnd.other+json' },
    passage: { outcome: 'hit' },
  });
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    manifest: { mediaType: OCI_MANIFEST },
    passage: { outcome: 'hit' },
  });
});

test('HEAD of what is not held is answered by the upstream’s HEAD', async () => {
  const { content, path } = freshManifest('cold head');
  await using upstream = await startScriptedUpstream();
  upstream.on('HEAD', path, sends(content, { ...TYPED, headers: { age: '9' } }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest, true)).resolves.toMatchObject({
    kind: 'manifest',
    manifest: { digest: content.digest, mediaType: OCI_MANIFEST, sizeBytes: content.sizeBytes },
    bytes: undefined,
    ageSeconds: 9,
    passage: { outcome: 'miss', trail: { status: 200 }, upstreamMs: 0 },
  });
  await expect(disk.store.hasBlob(content.digest)).resolves.toBe(false);
});

test.each([
  { name: 'no digest', headers: { 'docker-content-digest': '' } },
  { name: 'another digest', headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` } },
  { name: 'no type', headers: { 'content-type': '' } },
])('an upstream whose HEAD tells $name is asked by GET', async ({ name, headers }) => {
  const { content, path, bytes } = freshManifest(`head tells ${name}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('HEAD', path, sends(content, { ...TYPED, headers })).on('GET', path, sends(content, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest, true)).resolves.toMatchObject({
    manifest: { digest: content.digest, mediaType: OCI_MANIFEST },
    bytes,
  });
});

test('an upstream whose HEAD tells no size is asked by GET', async () => {
  const { content, path } = freshManifest('head without a size');
  await using upstream = await startScriptedUpstream();
  upstream.on('HEAD', path, sends(content, { ...TYPED, chunked: true }));
  upstream.on('GET', path, sends(content, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest, true)).resolves.toMatchObject({
    manifest: { sizeBytes: content.sizeBytes },
  });
});

test.each([
  { status: 404, error: { code: 'MANIFEST_UNKNOWN', status: 404 } },
  { status: 401, error: { code: 'DENIED', status: 403 } },
  { status: 500, error: { code: 'UNAVAILABLE', status: 502 } },
  { status: 429, error: { code: 'UNAVAILABLE', status: 503 } },
])('the upstream’s $status is passed on for GET and for HEAD', async ({ status, error }) => {
  const { content, path } = freshManifest(`refused ${status}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, says(status)).on('HEAD', path, says(status));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  for (const headOnly of [false, true]) {
    await expect(cache.manifest('team/app', content.digest, headOnly)).resolves.toMatchObject({
      kind: 'not-pulled',
      error,
      passage: { outcome: 'miss', upstreamMs: 0 },
    });
  }
});

test('an upstream that fails is told of by name, request and reason', async () => {
  const { content, path } = freshManifest('told');
  await using upstream = await startScriptedUpstream();
  upstream.always('GET', path, hangsUp()).on('GET', '/v2/team/app/manifests/told', says(500));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.manifest('team/app', content.digest);
  await cache.manifest('team/app', 'told');
  const name = upstream.url.slice('http://'.length);
  expect(cache.events).toEqual([
    {
      kind: 'upstream-failed',
      upstream: name,
      request: `manifest docker.io/team/app@${content.digest}`,
      reason: 'the connection was cut',
      hint: undefined,
    },
    {
      kind: 'upstream-failed',
      upstream: name,
      request: 'manifest docker.io/team/app:told',
      reason: 'it answered 500',
      hint: undefined,
    },
  ]);
});

test.each([
  {
    name: 'another manifest',
    body: '{"schemaVersion":2}',
    reason: /^it sent a wrong manifest: wanted .*, got /,
  },
  { name: 'no bytes', body: '', reason: /^it sent a wrong manifest/ },
])('$name in place of the wanted digest is a 502 and is not stored', async ({ name, body, reason }) => {
  const { content, path } = freshManifest(`wrong ${name}`);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, says(200, { 'content-type': OCI_MANIFEST }, body));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    kind: 'not-pulled',
    error: { status: 502 },
  });
  expect(cache.told('upstream-failed')[0]?.reason).toMatch(reason);
  await expect(disk.store.hasBlob(content.digest)).resolves.toBe(false);
});

test('a tag’s manifest must have the digest that the upstream claims for it', async () => {
  const { content } = freshManifest('claimed');
  await using upstream = await startScriptedUpstream();
  const headers = { 'docker-content-digest': `sha256:${'1'.repeat(64)}` };
  upstream.on('GET', '/v2/team/app/manifests/claimed', sends(content, { ...TYPED, headers }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', 'claimed')).resolves.toMatchObject({ error: { status: 502 } });
});

test('a tag whose upstream claims no digest is given one, a sha512 claim is checked as such', async () => {
  const { content, bytes } = freshManifest('unclaimed');
  await using upstream = await startScriptedUpstream();
  const strong = formatDigest('sha512', createHash('sha512').update(bytes).digest('hex'));
  upstream.on(
    'GET',
    '/v2/team/app/manifests/unclaimed',
    sends(content, { ...TYPED, headers: { 'docker-content-digest': '' } }),
  );
  upstream.on(
    'GET',
    '/v2/team/app/manifests/strong',
    sends(content, { ...TYPED, headers: { 'docker-content-digest': strong } }),
  );
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', 'unclaimed')).resolves.toMatchObject({
    manifest: { digest: content.digest },
  });
  await expect(cache.manifest('team/app', 'strong')).resolves.toMatchObject({ manifest: { digest: strong } });
});

test('a login page in place of a manifest is a 502 with a hint, and is not stored', async () => {
  const page = bytesContent(Buffer.from('<!doctype html><title>Log in</title>'));
  await using upstream = await startScriptedUpstream();
  const html = { contentType: 'text/html' };
  upstream.on('GET', '/v2/team/app/manifests/login', sends(page, html));
  upstream.on('GET', `/v2/team/app/manifests/${page.digest}`, sends(page, html));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', 'login')).resolves.toMatchObject({ error: { status: 502 } });
  await expect(cache.manifest('team/app', page.digest)).resolves.toMatchObject({ error: { status: 502 } });
  for (const { reason, hint } of cache.told('upstream-failed')) {
    expect(reason).toBe('it sent something that is no manifest');
    expect(hint).toContain('login');
  }
  await expect(disk.store.hasBlob(page.digest)).resolves.toBe(false);
});

test('a manifest of more than 4 MiB is refused, one of 4 MiB is not', async () => {
  const json = (sizeBytes: number): Content =>
    bytesContent(Buffer.from(`{"a":"${'x'.repeat(sizeBytes - '{"a":""}'.length)}"}`));
  const fits = json(MAX_MANIFEST_BYTES);
  const tooBig = json(MAX_MANIFEST_BYTES + 1);
  await using upstream = await startScriptedUpstream();
  for (const content of [fits, tooBig])
    upstream.on('GET', `/v2/team/app/manifests/${content.digest}`, sends(content, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(cache.manifest('team/app', fits.digest)).resolves.toMatchObject({ kind: 'manifest' });
  await expect(cache.manifest('team/app', tooBig.digest)).resolves.toMatchObject({ error: { status: 502 } });
});

test('a store that takes nothing costs no client a manifest, and memory still serves it', async () => {
  const { content, path, bytes } = freshManifest('unwritable');
  await using broken = await openTestStore();
  await breakTempFolder(broken);
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED));
  upstream.on('GET', '/v2/team/app/manifests/unwritable', sends(content, TYPED), 2);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: broken });
  const unstored = await cache.manifest('team/app', content.digest);
  expect(unstored).toMatchObject({ bytes, passage: { outcome: 'bypass', trail: { status: 200 } } });
  expect(unstored.passage.stored).toBeUndefined();
  expect(cache.told('store-written')).toEqual([]);
  expect(cache.told('store-write-failed')).toEqual([
    {
      kind: 'store-write-failed',
      code: 'ENOTDIR',
      digest: content.digest,
      reason: 'the store cannot be written: ENOTDIR',
    },
  ]);
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    passage: { outcome: 'hit' },
  });
  // A tag that could not be kept is asked for each time.
  for (let times = 0; times < 2; times += 1) {
    await expect(cache.manifest('team/app', 'unwritable')).resolves.toMatchObject({
      bytes,
      passage: { outcome: 'bypass' },
    });
  }
  await expect(broken.store.isProven(repositoryOf('team/app'), content.digest, 'manifest')).resolves.toBe(
    false,
  );
});

test('a use is noted for whoever gets a manifest', async () => {
  const { content, path } = freshManifest('used');
  await using own = await openTestStore();
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: own });
  await cache.manifest('team/app', content.digest);
  await cache.clock.advance(5_000);
  await cache.manifest('team/app', content.digest);
  await expect(own.store.earliest('used')).resolves.toBe(cache.clock.now());
  await expect(own.store.earliest('fetched')).resolves.toBe(cache.clock.now() - 5_000);
});

test('what memory has forgotten is read from the store, and what the store has lost is asked for again', async () => {
  const { content, path, bytes } = freshManifest('forgotten');
  await using own = await openTestStore();
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED), 2);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk: own });
  await cache.manifest('team/app', content.digest);
  cache.manifests.forget(content.digest);
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    manifest: { mediaType: OCI_MANIFEST },
    bytes,
    passage: { outcome: 'hit' },
  });
  await own.store.remove(content.digest, { by: 'used', cutoffMs: cache.clock.now() });
  cache.manifests.forget(content.digest);
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    passage: { outcome: 'miss' },
  });
});
