import { afterAll, expect, test, vi } from 'vitest';
import { watchAskers } from '../../fixtures/askers.ts';
import { hangsUp, says, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, type Content } from '../bench/image/content.ts';
import type { Answerer, Exchange } from '../../fixtures/recording-server.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';
import { StoreWriteError } from '../store/store-write-error.ts';

const disk = await openTestStore();
afterAll(async () => disk[Symbol.asyncDispose]());

const TYPED = { contentType: OCI_MANIFEST };

/** A manifest that needs no blobs and that no other test has. */
function freshManifest(label: string): Content {
  return bytesContent(Buffer.from(JSON.stringify({ schemaVersion: 2, annotations: { label } })));
}

const unchanged: Answerer = says(304);

/** An upstream whose tag has been fetched once. */
async function withTag(tag: string): Promise<{ upstream: ScriptedUpstream; content: Content; path: string }> {
  const content = freshManifest(tag);
  const path = `/v2/team/app/manifests/${tag}`;
  const upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED));
  return { upstream, content, path };
}

test('by default a held tag is asked for each time, by HEAD and If-None-Match', async () => {
  const { upstream, content, path } = await withTag('each-time');
  await using scope = upstream.on('HEAD', path, unchanged, 2);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await expect(cache.manifest('team/app', 'each-time')).resolves.toMatchObject({
    passage: { outcome: 'miss' },
  });
  for (const headOnly of [false, true]) {
    await expect(cache.manifest('team/app', 'each-time', headOnly)).resolves.toMatchObject({
      manifest: { digest: content.digest, mediaType: OCI_MANIFEST },
      bytes: content.read(0, content.sizeBytes),
      ageSeconds: 0,
      passage: { outcome: 'revalidated', trail: { status: 304 }, upstreamMs: 0 },
    });
  }
  expect(upstream.requests.map((request) => request.headers['if-none-match'])).toEqual([
    undefined,
    `"${content.digest}"`,
    `"${content.digest}"`,
  ]);
});

test('an upstream that ignores the condition and names the held digest revalidates it too', async () => {
  const { upstream, content, path } = await withTag('same-digest');
  await using scope = upstream.on('HEAD', path, sends(content, { ...TYPED, headers: { age: '12' } }));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'same-digest');
  await expect(cache.manifest('team/app', 'same-digest')).resolves.toMatchObject({
    manifest: { digest: content.digest },
    ageSeconds: 12,
    passage: { outcome: 'revalidated', trail: { status: 200 } },
  });
});

test('a tag that has moved to a digest that is not held is fetched', async () => {
  const { upstream, path } = await withTag('moved');
  const next = freshManifest('moved, next');
  await using scope = upstream.on('HEAD', path, sends(next, TYPED)).on('GET', path, sends(next, TYPED));
  scope.on('HEAD', path, unchanged);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'moved');
  await expect(cache.manifest('team/app', 'moved', true)).resolves.toMatchObject({
    manifest: { digest: next.digest },
    passage: { outcome: 'miss', missReason: 'changed', trail: { status: 200 } },
  });
  await expect(cache.manifest('team/app', 'moved')).resolves.toMatchObject({
    manifest: { digest: next.digest },
    passage: { outcome: 'revalidated' },
  });
  expect(upstream.requests.at(-1)?.headers['if-none-match']).toBe(`"${next.digest}"`);
});

test('a tag that has moved to a held digest is not fetched again', async () => {
  const { upstream, path } = await withTag('moved-to-held');
  const next = freshManifest('held already');
  await using scope = upstream.on('HEAD', path, sends(next, TYPED)).on('HEAD', path, unchanged);
  scope.on('GET', `/v2/team/app/manifests/${next.digest}`, sends(next, TYPED));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'moved-to-held');
  await cache.manifest('team/app', next.digest);
  await expect(cache.manifest('team/app', 'moved-to-held')).resolves.toMatchObject({
    manifest: { digest: next.digest },
    passage: { outcome: 'revalidated' },
  });
  await cache.manifest('team/app', 'moved-to-held');
  expect(upstream.requests.at(-1)?.headers['if-none-match']).toBe(`"${next.digest}"`);
});

test('what is written for a tag is told, and no check that only renews its time', async () => {
  const { upstream, content, path } = await withTag('written');
  const next = freshManifest('written, next');
  await using scope = upstream.on('HEAD', path, unchanged).on('HEAD', path, sends(next, TYPED));
  scope.on('GET', `/v2/team/app/manifests/${next.digest}`, sends(next, TYPED));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  const written = (): readonly string[] => cache.told('store-written').map(({ digest }) => digest);
  await cache.manifest('team/app', 'written');
  expect(written()).toEqual([content.digest, content.digest]);
  await cache.manifest('team/app', 'written');
  expect(written()).toHaveLength(2);
  await cache.manifest('team/app', next.digest);
  await cache.manifest('team/app', 'written');
  expect(written().slice(2)).toEqual([next.digest, next.digest]);
});

test('a tag that cannot be pointed elsewhere on the disk costs no client its answer', async () => {
  const { upstream, path } = await withTag('not-pointed');
  const next = freshManifest('not pointed, next');
  await using scope = upstream.on('HEAD', path, sends(next, TYPED));
  scope.on('GET', `/v2/team/app/manifests/${next.digest}`, sends(next, TYPED));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'not-pointed');
  await cache.manifest('team/app', next.digest);
  const writing = vi.spyOn(disk.store, 'writeTag').mockRejectedValue(new StoreWriteError('EROFS'));
  await expect(cache.manifest('team/app', 'not-pointed')).resolves.toMatchObject({
    manifest: { digest: next.digest },
    passage: { outcome: 'revalidated' },
  });
  writing.mockRestore();
  expect(cache.told('store-write-failed')).toMatchObject([{ code: 'EROFS', digest: next.digest }]);
});

test('an upstream whose HEAD names no digest is asked by GET', async () => {
  const { upstream, path } = await withTag('no-digest');
  const next = freshManifest('no digest, next');
  const nameless = { ...TYPED, headers: { 'docker-content-digest': '' } };
  await using scope = upstream.on('HEAD', path, sends(next, nameless)).on('GET', path, sends(next, nameless));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'no-digest');
  await expect(cache.manifest('team/app', 'no-digest')).resolves.toMatchObject({
    manifest: { digest: next.digest },
    passage: { outcome: 'miss' },
  });
});

test.each([
  { status: 404, error: { code: 'MANIFEST_UNKNOWN', status: 404 } },
  { status: 401, error: { code: 'DENIED', status: 403 } },
])('$status is the answer, and what is held stays held', async ({ status, error }) => {
  const { upstream, content, path } = await withTag(`refused-${status}`);
  await using scope = upstream.on('HEAD', path, says(status)).on('HEAD', path, unchanged);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', `refused-${status}`);
  await expect(cache.manifest('team/app', `refused-${status}`)).resolves.toMatchObject({
    kind: 'not-pulled',
    error,
    passage: { outcome: 'miss', missReason: 'refused', trail: { status } },
  });
  await expect(cache.manifest('team/app', content.digest)).resolves.toMatchObject({
    passage: { outcome: 'hit' },
  });
  await expect(cache.manifest('team/app', `refused-${status}`)).resolves.toMatchObject({
    passage: { outcome: 'revalidated' },
  });
});

test('within tagttl nobody is asked, and the answer tells its age', async () => {
  const { upstream, content, path } = await withTag('ttl');
  await using scope = upstream.on('HEAD', path, unchanged);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  cache.freshness = { tagTtlMs: 10_000, staleIfErrorMs: 0 };
  await cache.manifest('team/app', 'ttl');
  await cache.clock.advance(9_999);
  await expect(cache.manifest('team/app', 'ttl')).resolves.toMatchObject({
    manifest: { digest: content.digest },
    ageSeconds: 9,
    passage: { outcome: 'hit', trail: undefined, upstreamMs: undefined },
  });
  expect(upstream.requests).toHaveLength(1);
  await cache.clock.advance(1);
  await expect(cache.manifest('team/app', 'ttl')).resolves.toMatchObject({
    ageSeconds: 0,
    passage: { outcome: 'revalidated' },
  });
  await cache.clock.advance(9_999);
  await expect(cache.manifest('team/app', 'ttl')).resolves.toMatchObject({ passage: { outcome: 'hit' } });
});

test('the age that a hop tells counts against tagttl', async () => {
  const content = freshManifest('aged');
  await using upstream = await startScriptedUpstream();
  const path = '/v2/team/app/manifests/aged';
  upstream.on('GET', path, sends(content, { ...TYPED, headers: { age: '7' } }));
  upstream.on('HEAD', path, says(304, { age: '8' })).on('HEAD', path, unchanged);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  cache.freshness = { tagTtlMs: 10_000, staleIfErrorMs: 0 };
  await cache.manifest('team/app', 'aged');
  await cache.clock.advance(2_999);
  await expect(cache.manifest('team/app', 'aged')).resolves.toMatchObject({
    ageSeconds: 9,
    passage: { outcome: 'hit' },
  });
  await cache.clock.advance(1);
  await expect(cache.manifest('team/app', 'aged')).resolves.toMatchObject({
    ageSeconds: 8,
    passage: { outcome: 'revalidated' },
  });
  await cache.clock.advance(2_000);
  await expect(cache.manifest('team/app', 'aged')).resolves.toMatchObject({
    ageSeconds: 0,
    passage: { outcome: 'revalidated' },
  });
});

test('many who ask for a tag at once share one question, and each hears how it was answered', async () => {
  const content = freshManifest('shared');
  const path = '/v2/team/app/manifests/shared';
  await using upstream = await startScriptedUpstream();
  const cold = Promise.withResolvers<Exchange>();
  const asked = Promise.withResolvers<Exchange>();
  upstream.on('GET', path, cold.resolve).on('HEAD', path, asked.resolve);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  using askers = watchAskers(disk.store, 'readTag');
  const asking = Promise.all(
    Array.from({ length: 5 }, async () => await cache.manifest('team/app', 'shared')),
  );
  await askers.came(5);
  await sends(content, TYPED)(await cold.promise);
  const first = await asking;
  expect(first.map(({ passage }) => passage.outcome).toSorted()).toEqual([
    'joined',
    'joined',
    'joined',
    'joined',
    'miss',
  ]);
  const second = Array.from({ length: 5 }, async () => await cache.manifest('team/app', 'shared'));
  const exchange = await asked.promise;
  await askers.came(10);
  await cache.clock.advance(60);
  await unchanged(exchange);
  for (const result of await Promise.all(second)) {
    expect(result).toMatchObject({
      manifest: { digest: content.digest },
      passage: { outcome: 'revalidated' },
    });
  }
  expect(upstream.requests).toHaveLength(2);
});

test('HEAD and GET are different questions', async () => {
  const content = freshManifest('head and get');
  const path = '/v2/team/app/manifests/head-and-get';
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', path, sends(content, TYPED)).on('HEAD', path, sends(content, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  const [get, head] = await Promise.all([
    cache.manifest('team/app', 'head-and-get'),
    cache.manifest('team/app', 'head-and-get', true),
  ]);
  expect(get).toMatchObject({ bytes: content.read(0, content.sizeBytes) });
  expect(head).toMatchObject({ manifest: { digest: content.digest }, bytes: undefined });
});

test.each([
  { name: 'hangs up', answer: hangsUp(), status: 502 },
  { name: 'says 500', answer: says(500), status: 502 },
  { name: 'says 429', answer: says(429), status: 503 },
  { name: 'says 503', answer: says(503), status: 503 },
])('while the upstream $name, a tag is served for as long as staleiferror allows', async (row) => {
  const tag = row.name.replace(' ', '-');
  const { upstream, content, path } = await withTag(tag);
  await using scope = upstream.always('HEAD', path, row.answer);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  cache.freshness = { tagTtlMs: 0, staleIfErrorMs: 60_000 };
  await cache.manifest('team/app', tag);
  await cache.clock.advance(60_000);
  await expect(cache.manifest('team/app', tag)).resolves.toMatchObject({
    manifest: { digest: content.digest },
    bytes: content.read(0, content.sizeBytes),
    ageSeconds: 60,
    passage: { outcome: 'stale', trail: undefined, upstreamMs: 0 },
  });
  expect(cache.told('upstream-failed')).toMatchObject([{ request: `manifest docker.io/team/app:${tag}` }]);
  await cache.clock.advance(1);
  await expect(cache.manifest('team/app', tag)).resolves.toMatchObject({
    kind: 'not-pulled',
    error: { code: 'UNAVAILABLE', status: row.status, retryAfterSeconds: 5 },
  });
});

test('a tag that has moved to what the upstream then fails to send is served stale', async () => {
  const { upstream, content, path } = await withTag('moved-and-failed');
  const next = freshManifest('moved and failed, next');
  await using scope = upstream.on('HEAD', path, sends(next, TYPED)).on('GET', path, says(500));
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'moved-and-failed');
  await cache.clock.advance(5_000);
  await expect(cache.manifest('team/app', 'moved-and-failed')).resolves.toMatchObject({
    manifest: { digest: content.digest },
    ageSeconds: 5,
    passage: { outcome: 'stale' },
  });
});

test('a fault of the program is not taken for a failing upstream', async () => {
  const { upstream, path } = await withTag('a-fault');
  await using scope = upstream.on('HEAD', path, unchanged);
  await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
  await cache.manifest('team/app', 'a-fault');
  const writing = vi.spyOn(disk.store, 'writeTag').mockRejectedValue(new TypeError('a fault'));
  await expect(cache.manifest('team/app', 'a-fault')).rejects.toThrow('a fault');
  writing.mockRestore();
});

test('a restart forgets neither the tag nor when it was checked', async () => {
  const { upstream, content } = await withTag('restart');
  await using scope = upstream;
  {
    await using cache = await openTestCache({ upstreamUrl: scope.url, disk });
    await cache.manifest('team/app', 'restart');
    await cache.clock.advance(3_000);
  }
  await disk.reopen();
  await using next = await openTestCache({ upstreamUrl: scope.url, disk });
  next.freshness = { tagTtlMs: 10_000, staleIfErrorMs: 0 };
  await expect(next.manifest('team/app', 'restart')).resolves.toMatchObject({
    manifest: { digest: content.digest },
    ageSeconds: 3,
    passage: { outcome: 'hit' },
  });
});
