import type { Pull } from '../cache/pull.ts';
import { pullTagList, type TagListDeps } from '../cache/tag-list.ts';
import { type Exchange, sendWhole } from './exchange.ts';
import { passageHeaders } from './passage-headers.ts';
import type { HopIdentity } from './via.ts';

export interface TagsHandlerDeps {
  readonly tags: TagListDeps;
  readonly self: HopIdentity;
}

/** GET of `/v2/<name>/tags/list` (distribution-spec, "Listing Tags"): the origin's page, its `Link` rewritten. */
export async function handleTags(
  exchange: Exchange,
  pull: Pull,
  query: URLSearchParams,
  deps: TagsHandlerDeps,
): Promise<void> {
  const pulled = await pullTagList({ ...pull, query }, deps.tags);
  exchange.log.passage = pulled.passage;
  if (pulled.kind === 'not-pulled') throw pulled.error;
  const link = nextPage(pulled.link, exchange.request.url ?? '');
  const headers = {
    'content-type': 'application/json',
    ...(link === undefined ? {} : { link }),
    ...passageHeaders(pulled.passage, deps.self),
  };
  sendWhole(exchange, 200, headers, pulled.bytes);
}

/** The upstream's next page under the path that this client used: no address of the upstream gets through. */
function nextPage(link: string | undefined, target: string): string | undefined {
  const next = /<([^>]{1,2048})>\s*;\s*rel="?next"?/i.exec(link ?? '')?.[1];
  if (next === undefined || !URL.canParse(next, 'http://upstream')) return undefined;
  const page = new URL(next, 'http://upstream').searchParams;
  const [path = '', search = ''] = target.split('?');
  const query = new URLSearchParams(search);
  for (const key of ['n', 'last']) {
    const value = page.get(key);
    if (value === null) query.delete(key);
    else query.set(key, value);
  }
  return `<${path}?${query.toString()}>; rel="next"`;
}
