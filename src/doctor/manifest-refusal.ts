import { messageOf } from './answer-json.ts';
import type { Asked } from './asker.ts';
import type { Target } from './target.ts';

/** Why a manifest was not to be had, and what mends it. */
export function manifestRefusal(
  target: Target,
  answer: Asked,
  name: string,
): readonly [seen: string, mend: string] {
  const { status } = answer;
  const told = messageOf(answer);
  const why = told === undefined ? '' : `: ${told}`;
  const { credentials, role } = target;
  switch (status) {
    case 401:
    case 403:
      return [
        `${name}: no right to pull it (${status})${why}`,
        credentials === undefined
          ? 'set username and passwordfile of this upstream'
          : 'give this user the right to pull from that repository, or set another username',
      ];
    case 404:
      return [
        `${name} is not there (404)${why}`,
        role === 'hop'
          ? 'name an image that is, with --image; check that the hop serves this namespace: its originhost'
          : 'name an image that is, with --image',
      ];
    case 429:
      return [`${name}: too many requests (429)`, 'configure a username, or wait'];
    case 508:
      return [
        `a loop: the request came back to a cache that it had passed${why}`,
        'correct upstreamhosts of the caches: one of them pulls from itself',
      ];
    case 502:
    case 503:
    case 504:
      return [
        `${name}: what lies behind it fails (${status})${why}`,
        `run regcache doctor there, with the configuration of ${target.url.host}`,
      ];
    default:
      return [
        `${name}: it answers ${status}${why}`,
        `look at that server’s log; curl -v ${target.url.origin}/v2/`,
      ];
  }
}
