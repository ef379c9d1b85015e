import type { Passage } from '../cache/pull.ts';
import { answerVia, type HopIdentity } from './via.ts';

/** Header fields that tell a client, and the next hop, how an answer came about. */
export function passageHeaders(passage: Passage | undefined, self: HopIdentity): Record<string, string> {
  const behind = passage?.trail;
  const timing = serverTiming(passage);
  return {
    via: answerVia(behind?.via, self),
    'cache-status': join(
      behind?.cacheStatus,
      `"${self.name}"${passage === undefined ? '' : cacheStatus(passage)}`,
    ),
    ...(timing === undefined ? {} : { 'server-timing': timing }),
  };
}

/** This hop's parameters in `Cache-Status` (RFC 9211). */
function cacheStatus(passage: Passage): string {
  const { trail } = passage;
  const forwarded = trail === undefined ? '' : `; fwd-status=${trail.status}`;
  switch (passage.outcome) {
    case 'hit':
      return '; hit';
    case 'prefetched':
      return '; hit; detail=prefetched';
    case 'stale':
      return '; hit; detail=stale';
    case 'revalidated':
      return '; fwd=stale; fwd-status=304';
    case 'joined':
      return `; fwd=miss${forwarded}; collapsed`;
    case 'bypass':
      return `; fwd=bypass${forwarded}`;
    case 'miss':
      return `; fwd=miss${forwarded}${passage.stored === true ? '; stored' : ''}`;
  }
}

/** What this hop waited for, after what the hops behind it did (Server-Timing, W3C). */
function serverTiming(passage: Passage | undefined): string | undefined {
  if (passage?.upstreamMs === undefined) return undefined;
  const own = `upstream;dur=${passage.upstreamMs.toFixed(1)}`;
  const behind = passage.trail?.serverTiming;
  if (behind === undefined) return own;
  const hop = /"([^"\\]{1,300})"[^"]*$/.exec(passage.trail?.cacheStatus ?? '')?.[1] ?? 'upstream';
  const named = behind.split(',').map((entry) => nameEntry(entry.trim(), hop));
  return [...named.filter((entry) => entry !== undefined), own].join(', ');
}

/** `upstream;dur=3` of the hop behind becomes `asia.upstream;dur=3`; what lies further behind has its name already. */
function nameEntry(entry: string, hop: string): string | undefined {
  if (!/^[A-Za-z0-9._-]{1,300};dur=\d{1,12}(?:\.\d{1,6})?$/.test(entry)) return undefined;
  const [metric = ''] = entry.split(';');
  return metric.includes('.') ? entry : `${hop.replaceAll(/[^A-Za-z0-9_-]/g, '_')}.${entry}`;
}

function join(behind: string | undefined, own: string): string {
  return behind === undefined || behind === '' ? own : `${behind}, ${own}`;
}
