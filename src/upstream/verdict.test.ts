import { describe, expect, it } from 'vitest';
import { says } from '../../fixtures/behaviour.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestUpstream, PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import { UpstreamError } from './error.ts';
import type { ListAnswer } from './upstream.ts';

const TAGS = '/v2/lib/app/tags/list';

/** What a hop's or an origin's answer is taken for. */
async function judged(
  role: 'hop' | 'origin',
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<ListAnswer | UpstreamError> {
  await using server = await startScriptedUpstream();
  server.on('GET', TAGS, says(status, headers, 'a private word of the upstream'));
  await using open = await openTestUpstream(server.url, { role });
  try {
    return await open.upstream.list(
      { kind: 'tags', name: REPOSITORY },
      new URLSearchParams(),
      PASSPORT,
      unending(),
    );
  } catch (error) {
    if (error instanceof UpstreamError) return error;
    throw error;
  }
}

describe('judge', () => {
  it.each([
    [401, 'denied'],
    [403, 'denied'],
    [404, 'unknown'],
    [410, 'unknown'],
  ])('takes the origin’s %s for its verdict: %s', async (status, verdict) => {
    expect(await judged('origin', status)).toMatchObject({ kind: 'refused', verdict, trail: { status } });
    expect(await judged('origin', status, { 'cache-status': '"cdn"; hit' })).toMatchObject({ verdict });
  });

  it.each([
    [403, 'denied'],
    [404, 'unknown'],
  ])(
    'takes a hop’s %s for the origin’s verdict where it was told so from behind',
    async (status, verdict) => {
      const behind = `"far"; fwd=miss; fwd-status=${status}, "asia"; fwd=miss; fwd-status=${status}`;
      expect(await judged('hop', status, { 'cache-status': behind })).toMatchObject({
        kind: 'refused',
        verdict,
      });
    },
  );

  it.each([401, 403, 404, 410])(
    'takes the %s of a server that marks nothing for the origin’s verdict',
    async (status) => {
      expect(await judged('hop', status)).toMatchObject({ kind: 'refused' });
    },
  );

  it.each([401, 403, 404, 410])('takes a hop’s own %s for a failure of that hop', async (status) => {
    for (const cacheStatus of ['"asia"', '"far"; fwd=miss; fwd-status=404, "asia"']) {
      expect(await judged('hop', status, { 'cache-status': cacheStatus })).toMatchObject({
        kind: 'status',
        status,
        retryable: false,
        hint: expect.stringContaining('namespace') as string,
      });
    }
  });

  it.each([
    [429, {}, undefined],
    [429, { 'retry-after': '7' }, 7],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:01:30 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }, 90],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:00 GMT', date: 'Thu, 01 Jan 2026 00:01:00 GMT' }, 0],
    [503, { 'retry-after': 'soon' }, undefined],
    [503, { 'retry-after': '99999999999' }, undefined],
  ])('takes %s with %o for a pause of %s seconds', async (status, headers, retryAfterSeconds) => {
    expect(await judged('origin', status, headers)).toMatchObject({
      kind: 'busy',
      status,
      retryAfterSeconds,
      retryable: true,
    });
  });

  it.each([
    [500, true],
    [502, true],
    [400, false],
    [206, false],
    [304, false],
  ])('takes %s for a failure, retryable: %s', async (status, retryable) => {
    expect(await judged('origin', status)).toMatchObject({ kind: 'status', status, retryable });
  });

  it('says what a 508 means', async () => {
    expect(await judged('hop', 508)).toMatchObject({
      kind: 'status',
      status: 508,
      hint: expect.stringContaining('upstreamhosts') as string,
    });
  });

  it('never repeats the words of an upstream', async () => {
    for (const status of [400, 401, 404, 429, 500, 508]) {
      const answer = await judged('origin', status);
      expect(JSON.stringify(answer) + (answer instanceof Error ? answer.message : '')).not.toContain(
        'private word',
      );
    }
  });
});
