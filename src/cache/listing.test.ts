import { expect, test } from 'vitest';
import { hangs, says, saysJson } from '../../fixtures/behaviour.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, type TestCache } from '../../fixtures/test-cache.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { pullListing } from './listing.ts';

type Result = ReturnType<typeof pullListing>;

async function list(cache: TestCache, query = '', signal?: AbortSignal): Result {
  const { repository, passport, signal: own } = cache.pull('team/app', signal);
  const { namespace, name } = repository;
  const listing = { kind: 'tags', name } as const;
  return await pullListing(
    { namespace, listing, query: new URLSearchParams(query), passport, signal: own },
    cache,
  );
}

const path = '/v2/team/app/tags/list';

test('a page of tags is the upstream’s answer, byte by byte, with its link, and is not kept', async () => {
  await using disk = await openTestStore();
  await using upstream = await startScriptedUpstream();
  const tags = { name: 'team/app', tags: ['1.0', 'latest'] };
  const link = '</v2/team/app/tags/list?n=2&last=latest>; rel="next"';
  upstream.on('GET', `${path}?n=2&last=0.9`, saysJson(tags, { link })).on('GET', path, saysJson(tags));
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await expect(list(cache, 'n=2&last=0.9')).resolves.toEqual({
    kind: 'list',
    bytes: Buffer.from(JSON.stringify(tags)),
    link,
    filtersApplied: undefined,
    ageSeconds: 0,
    passage: { outcome: 'miss', trail: expect.objectContaining({ status: 200 }), upstreamMs: 0 },
  });
  await expect(list(cache)).resolves.toMatchObject({ kind: 'list', link: undefined });
  expect(upstream.requests).toHaveLength(2);

  upstream.on('GET', path, says(404)).on('GET', path, says(403)).on('GET', path, says(500));
  await expect(list(cache)).resolves.toMatchObject({
    kind: 'not-pulled',
    error: { code: 'NAME_UNKNOWN', status: 404 },
    passage: { outcome: 'miss', trail: { status: 404 }, upstreamMs: 0 },
  });
  await expect(list(cache)).resolves.toMatchObject({ error: { code: 'DENIED', status: 403 } });
  expect(cache.events).toEqual([]);
  await expect(list(cache)).resolves.toMatchObject({ error: { status: 502 }, passage: { upstreamMs: 0 } });
  expect(cache.events).toMatchObject([
    {
      kind: 'upstream-failed',
      request: 'tags of docker.io/team/app',
      reason: 'it answered 500',
      upstream: upstream.url.slice('http://'.length),
    },
  ]);

  upstream.on('GET', path, hangs());
  const client = new AbortController();
  const asked = list(cache, '', client.signal);
  await upstream.asked('GET', path, 6);
  client.abort(new Error('the client left'));
  await expect(asked).rejects.toThrow('the client left');
});
