import type { RequestEvent } from '../event.ts';
import { type Family, family } from './family.ts';
import type { KnownLabels } from './known-labels.ts';

/** More of them are not told apart: the figure stops there. */
const MAX_TAGS = 10_000;

/** The tags whose last answer was stale. */
export class StaleTags {
  readonly #labels: KnownLabels;
  /** By repository and tag: its namespace. */
  readonly #tags = new Map<string, string>();

  constructor(labels: KnownLabels) {
    this.#labels = labels;
  }

  add(event: RequestEvent): void {
    if (event.outcome === 'stale') this.#note(event);
    else if (this.#tags.size > 0 && isAnswer(event)) this.#tags.delete(keyOf(event));
  }

  family(): Family {
    const counts = new Map(this.#labels.namespaces.map((namespace) => [namespace, 0]));
    for (const namespace of this.#tags.values()) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
    return family(
      'gauge',
      'regcache_stale_tags',
      'Tags whose last answer was stale.',
      Array.from(counts, ([namespace, value]) => ({ labels: { namespace }, value })),
    );
  }

  #note(event: RequestEvent): void {
    if (this.#tags.size < MAX_TAGS) this.#tags.set(keyOf(event), this.#labels.namespace(event.namespace));
  }
}

function keyOf({ namespace, repository, reference }: RequestEvent): string {
  return `${namespace}/${repository}:${reference}`;
}

/** Whether the client was told anything of the tag, be it that no hop answers. */
function isAnswer({ resource, outcome }: RequestEvent): boolean {
  return resource === 'manifest' && outcome !== undefined;
}
