import type { PulledList } from '../cache/listing.ts';
import type { NotPulled } from '../cache/pull.ts';
import type { MediaType } from '../oci/media-type.ts';
import { type Exchange, sendWhole } from './exchange.ts';
import { passageHeaders } from './passage-headers.ts';
import { PAGE_KEYS } from './route.ts';
import type { HopIdentity } from './via.ts';

/**
 * Sends a list of tags, repositories or referrers (distribution-spec, "Listing Tags", "Listing Referrers"): the
 * origin's page, its `Link` rewritten.
 */
export function sendList(
  exchange: Exchange,
  pulled: PulledList | NotPulled,
  type: MediaType | 'application/json',
  self: HopIdentity,
): void {
  exchange.log.passage = pulled.passage;
  if (pulled.kind === 'not-pulled') throw pulled.error;
  const { bytes, filtersApplied, ageSeconds, passage } = pulled;
  const link = nextPage(pulled.link, exchange.request.url ?? '');
  const filtered = filtersApplied !== undefined && /^[\w, -]{1,200}$/.test(filtersApplied);
  const headers = {
    'content-type': type,
    ...(link === undefined ? {} : { link }),
    ...(filtered ? { 'oci-filters-applied': filtersApplied } : {}),
    ...(ageSeconds > 0 ? { age: String(ageSeconds) } : {}),
    ...passageHeaders(passage, self),
  };
  sendWhole(exchange, 200, headers, bytes);
}

/** The upstream's next page under the path that this client used: no address of the upstream gets through. */
function nextPage(link: string | undefined, target: string): string | undefined {
  const next = /<([^>]{1,2048})>\s*;\s*rel="?next"?/i.exec(link ?? '')?.[1];
  if (next === undefined || !URL.canParse(next, 'http://upstream')) return undefined;
  const page = new URL(next, 'http://upstream').searchParams;
  const [path = '', search = ''] = target.split('?');
  const query = new URLSearchParams(search);
  for (const key of PAGE_KEYS) {
    const value = page.get(key);
    if (value === null) query.delete(key);
    else query.set(key, value);
  }
  return `<${path}?${query.toString()}>; rel="next"`;
}
