import { expect, test } from 'vitest';
import { says, saysJson } from '../../fixtures/behaviour.ts';
import { bytesContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, type TestCache } from '../../fixtures/test-cache.ts';
import type { PulledList } from './listing.ts';
import type { NotPulled } from './pull.ts';
import { ReferrersCache } from './referrers-cache.ts';

const { digest: subject } = bytesContent(Buffer.from('subject'));
const PATH = `/v2/team/app/referrers/${subject}`;

interface Asked {
  readonly cache: TestCache;
  ask(artifactType?: string): Promise<PulledList | NotPulled>;
}

async function withReferrers(url: string, use: (asked: Asked) => Promise<void>): Promise<void> {
  await using cache = await openTestCache({ upstreamUrl: url });
  const { upstreamOf, clock, telemetry } = cache;
  const referrers = new ReferrersCache({ upstreamOf, clock, telemetry, freshness: () => cache.freshness });
  await use({
    cache,
    ask: async (artifactType) =>
      await referrers.pull({
        ...cache.pull('team/app'),
        subject,
        query: new URLSearchParams(artifactType === undefined ? {} : { artifactType }),
      }),
  });
}

test('a list is believed for tagttl, with its age, and asked for again after it', async () => {
  await using upstream = await startScriptedUpstream();
  upstream.always('GET', PATH, saysJson({ manifests: [] }, { age: '3' }));
  await withReferrers(upstream.url, async ({ cache, ask }) => {
    cache.freshness = { tagTtlMs: 10_000, staleIfErrorMs: 60_000 };
    await expect(ask()).resolves.toMatchObject({ passage: { outcome: 'miss', stored: true }, ageSeconds: 3 });
    await cache.clock.advance(6_500);
    await expect(ask()).resolves.toMatchObject({ passage: { outcome: 'hit' }, ageSeconds: 9 });
    expect(upstream.requests).toHaveLength(1);
    await cache.clock.advance(500);
    await expect(ask()).resolves.toMatchObject({ passage: { outcome: 'miss' }, ageSeconds: 3 });
    expect(upstream.requests).toHaveLength(2);
  });
});

test('filters are kept apart', async () => {
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', PATH, saysJson({ manifests: [1] }));
  upstream.on('GET', `${PATH}?artifactType=a`, saysJson({ manifests: [2] }));
  await withReferrers(upstream.url, async ({ cache, ask }) => {
    cache.freshness = { tagTtlMs: 10_000, staleIfErrorMs: 60_000 };
    await ask();
    await expect(ask('a')).resolves.toMatchObject({ bytes: Buffer.from('{"manifests":[2]}') });
    await expect(ask()).resolves.toMatchObject({ bytes: Buffer.from('{"manifests":[1]}') });
    await expect(ask('a')).resolves.toMatchObject({ bytes: Buffer.from('{"manifests":[2]}') });
    expect(upstream.requests).toHaveLength(2);
  });
});

test('all who ask at the same time share one question', async () => {
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', PATH, saysJson({ manifests: [] }));
  await withReferrers(upstream.url, async ({ ask }) => {
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ passage }) => passage.outcome)).toEqual(['miss', 'joined', 'joined']);
    expect(upstream.requests).toHaveLength(1);
  });
});

test('a failing upstream leaves what is held, for staleiferror and no longer', async () => {
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', PATH, saysJson({ manifests: [] })).always('GET', PATH, says(503));
  await withReferrers(upstream.url, async ({ cache, ask }) => {
    await ask();
    await cache.clock.advance(60_000);
    await expect(ask()).resolves.toMatchObject({ passage: { outcome: 'stale' }, ageSeconds: 60 });
    expect(cache.told('upstream-failed')).toHaveLength(1);
    await cache.clock.advance(1);
    await expect(ask()).resolves.toMatchObject({ kind: 'not-pulled', error: { status: 503 } });
  });
});
