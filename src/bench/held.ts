import type { Held, PhaseKind, RequestSample } from './result.ts';

const STORED = new Set(['hit', 'stale']);

/**
 * What the answers say the caches held of an image's blobs before it was pulled. What was fetched ahead for this very
 * pull was not held; what an earlier pull has left running was held in part; a cache that says nothing leaves it unknown.
 * @param asked what the pull was meant to be
 */
export function heldBefore(requests: readonly RequestSample[], asked: PhaseKind): Held {
  const blobs = requests.filter(({ what }) => what === 'config' || what.startsWith('layer'));
  if (blobs.length === 0 || blobs.some(({ hops }) => hops[0]?.outcome === undefined)) return 'unknown';
  if (blobs.every(({ hops }) => STORED.has(hops[0]?.outcome ?? ''))) return 'all';
  const coming = asked === 'warm' && blobs.some(({ hops }) => hops[0]?.outcome === 'joined');
  const some = coming || blobs.some(({ hops }) => hops.some(({ outcome }) => STORED.has(outcome ?? '')));
  return some ? 'some' : 'nothing';
}
