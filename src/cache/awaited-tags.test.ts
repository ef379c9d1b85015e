import { expect, test } from 'vitest';
import { hangsUp, sends } from '../../fixtures/behaviour.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache } from '../../fixtures/test-cache.ts';
import { bytesContent, type Content } from '../bench/image/content.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const TAG = '/v2/team/app/manifests/v1';
const TYPED = { contentType: OCI_MANIFEST };

/** A manifest that needs no blobs. */
function manifestNamed(label: string): Content {
  return bytesContent(Buffer.from(JSON.stringify({ schemaVersion: 2, annotations: { label } })));
}

function holds(upstream: ScriptedUpstream, content: Content): ScriptedUpstream {
  return upstream.on('GET', `/v2/team/app/manifests/${content.digest}`, sends(content, TYPED));
}

test('a tag asked for by HEAD and fetched by its digest is held: it outlives its upstream', async () => {
  const content = manifestNamed('by digest');
  await using upstream = await startScriptedUpstream();
  holds(upstream, content).on('HEAD', TAG, sends(content, { ...TYPED, headers: { age: '5' } }));
  await using cache = await openTestCache({ upstreamUrl: upstream.url });
  await cache.manifest('team/app', 'v1', true);
  await cache.manifest('team/app', content.digest);
  upstream.always('HEAD', TAG, hangsUp());
  await cache.clock.advance(10_000);
  await expect(cache.manifest('team/app', 'v1', true)).resolves.toMatchObject({
    manifest: { digest: content.digest },
    ageSeconds: 15,
    passage: { outcome: 'stale' },
  });
});

test('within its TTL it is believed, counted from the HEAD', async () => {
  const content = manifestNamed('believed');
  await using upstream = await startScriptedUpstream();
  holds(upstream, content).on('HEAD', TAG, sends(content, TYPED), 2);
  await using cache = await openTestCache({ upstreamUrl: upstream.url });
  cache.freshness = { tagTtlMs: 60_000, staleIfErrorMs: 60_000 };
  await cache.manifest('team/app', 'v1', true);
  await cache.clock.advance(20_000);
  await cache.manifest('team/app', content.digest);
  await cache.clock.advance(39_000);
  await expect(cache.manifest('team/app', 'v1', true)).resolves.toMatchObject({
    passage: { outcome: 'hit' },
  });
  await cache.clock.advance(2_000);
  await expect(cache.manifest('team/app', 'v1', true)).resolves.toMatchObject({
    passage: { outcome: 'revalidated' },
  });
});

test('a tag that moves before it is fetched points at what was named last', async () => {
  const [old, next] = [manifestNamed('old'), manifestNamed('next')];
  await using upstream = await startScriptedUpstream();
  holds(holds(upstream, old), next).on('HEAD', TAG, sends(old, TYPED)).on('HEAD', TAG, sends(next, TYPED));
  await using cache = await openTestCache({ upstreamUrl: upstream.url });
  cache.freshness = { tagTtlMs: 60_000, staleIfErrorMs: 60_000 };
  await cache.manifest('team/app', 'v1', true);
  await cache.manifest('team/app', 'v1', true);
  await cache.manifest('team/app', next.digest);
  await cache.manifest('team/app', old.digest);
  await expect(cache.manifest('team/app', 'v1')).resolves.toMatchObject({
    manifest: { digest: next.digest },
  });
});

test('where the manifest is held already, the HEAD alone makes the tag held', async () => {
  const content = manifestNamed('held');
  await using upstream = await startScriptedUpstream();
  holds(upstream, content).on('HEAD', TAG, sends(content, TYPED)).always('HEAD', TAG, hangsUp());
  await using cache = await openTestCache({ upstreamUrl: upstream.url });
  await cache.manifest('team/app', content.digest);
  await cache.manifest('team/app', 'v1', true);
  await expect(cache.manifest('team/app', 'v1')).resolves.toMatchObject({ passage: { outcome: 'stale' } });
});
