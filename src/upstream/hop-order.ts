import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { RepositoryName } from '../oci/repository-name.ts';

export type Balance = 'repository' | 'roundrobin';

/**
 * In which order the hops are asked for a repository. What serves a manifest should serve its blobs too, so that a
 * pull meets one cache.
 */
export interface HopOrder {
  /** @param beginsPull whether this is the question for a tag, with which a pull begins */
  of(name: RepositoryName, beginsPull: boolean): readonly number[];
}

export function hopOrder(balance: Balance, hops: readonly string[]): HopOrder {
  if (hops.length === 1) return { of: () => [0] };
  return balance === 'repository' ? new ByRepository(hops) : new RoundRobin(hops.length);
}

const MAX_REPOSITORIES = 10_000;

/**
 * Rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998): each
 * repository has its own order of the hops, so that when one fails, only its repositories move, evenly to the others.
 */
class ByRepository implements HopOrder {
  readonly #hops: readonly string[];
  readonly #orders = new LRUCache<RepositoryName, readonly number[]>({ max: MAX_REPOSITORIES });

  constructor(hops: readonly string[]) {
    this.#hops = hops;
  }

  of(name: RepositoryName): readonly number[] {
    const known = this.#orders.get(name);
    if (known !== undefined) return known;
    const order = this.#hops
      .map((hop, index) => ({ index, weight: weightOf(name, hop) }))
      .toSorted((one, other) => (one.weight < other.weight ? 1 : -1))
      .map(({ index }) => index);
    this.#orders.set(name, order);
    return order;
  }
}

function weightOf(name: RepositoryName, hop: string): string {
  return createHash('sha256').update(`${name} ${hop}`).digest('hex');
}

/** One hop after the other, pull by pull, as DTR did. */
class RoundRobin implements HopOrder {
  readonly #count: number;
  readonly #firsts = new LRUCache<RepositoryName, number>({ max: MAX_REPOSITORIES });
  #next = 0;

  constructor(count: number) {
    this.#count = count;
  }

  of(name: RepositoryName, beginsPull: boolean): readonly number[] {
    let first = beginsPull ? undefined : this.#firsts.get(name);
    if (first === undefined) {
      first = this.#next;
      this.#next = (first + 1) % this.#count;
      this.#firsts.set(name, first);
    }
    const start = first;
    return Array.from({ length: this.#count }, (_, step) => (start + step) % this.#count);
  }
}
