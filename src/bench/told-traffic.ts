import type { PullSample, ServerTraffic } from './result.ts';

const FORWARDED = new Set(['miss', 'bypass', 'revalidated']);
const CARRIED = new Set(['miss', 'bypass']);

/**
 * What each server was asked for and sent, as far as the answers to these pulls tell it: what a cache fetched ahead is
 * not in it. Empty where they tell nothing.
 * @param hops the caches of the variant, outermost first
 */
export function toldTraffic(pulls: readonly PullSample[], hops: readonly string[]): readonly ServerTraffic[] {
  const requests = pulls.filter(({ error }) => error === undefined).flatMap((pull) => pull.requests);
  if (!requests.some((request) => request.hops.length > 0)) return [];
  const servers = [...hops, 'origin'].map((server) => ({ server, requests: 0, bytes: 0 }));
  for (const { bytes, hops: answers } of requests) {
    let carries = true;
    for (const [index, server] of servers.entries()) {
      server.requests += 1;
      if (carries) server.bytes += bytes;
      const { outcome } = answers[index] ?? {};
      if (index === answers.length || outcome === undefined || !FORWARDED.has(outcome)) break;
      carries &&= CARRIED.has(outcome);
    }
  }
  return servers;
}
