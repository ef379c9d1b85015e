import type {
  FillFacts,
  PullFacts,
  RepositoryFacts,
  StoreFacts,
  UpstreamFacts,
} from '../../src/control/snapshot.ts';

export type ExpiringFacts = StoreFacts['expiring'][number];

/** What each list holds. */
export interface Lists {
  readonly fills: FillFacts;
  readonly upstreams: UpstreamFacts;
  readonly store: ExpiringFacts;
  readonly repositories: RepositoryFacts;
  readonly pulls: PullFacts;
}

export type List = keyof Lists;

/** An order of a list; `name` and `reversed` are what the screen says of it, one way and the other. */
export interface Order<T> {
  readonly name: string;
  readonly reversed: string;
  /** Undefined: as the daemon gives them. */
  readonly compare: ((left: T, right: T) => number) | undefined;
}

/** Which order, and whether the other way round. */
export interface SortChoice {
  readonly order: number;
  readonly isReversed: boolean;
}

const most =
  <T>(value: (item: T) => number) =>
  (left: T, right: T): number =>
    value(right) - value(left);

const least =
  <T>(value: (item: T) => number) =>
  (left: T, right: T): number =>
    value(left) - value(right);

const alphabetic =
  <T>(value: (item: T) => string) =>
  (left: T, right: T): number =>
    value(left).localeCompare(value(right), 'en');

/** The orders of each list; the first one is where it begins. */
export const ORDERS: { readonly [L in List]: readonly [Order<Lists[L]>, ...Order<Lists[L]>[]] } = {
  fills: [
    { name: 'oldest first', reversed: 'newest first', compare: undefined },
    { name: 'fastest first', reversed: 'slowest first', compare: most((fill) => fill.bytesPerSecond) },
    { name: 'nearest to its end first', reversed: 'farthest from its end first', compare: most(progress) },
    {
      name: 'most followers first',
      reversed: 'fewest followers first',
      compare: most((fill) => fill.followers),
    },
    {
      name: 'by repository',
      reversed: 'by repository, from the end',
      compare: alphabetic((fill) => fill.repository),
    },
  ],
  upstreams: [
    { name: 'as configured', reversed: 'as configured, from the end', compare: undefined },
    {
      name: 'slowest first',
      reversed: 'fastest first',
      compare: most((upstream) => upstream.waitMs?.p95 ?? -1),
    },
    { name: 'most errors first', reversed: 'fewest errors first', compare: most(errorRate) },
    { name: 'by name', reversed: 'by name, from the end', compare: alphabetic((upstream) => upstream.name) },
  ],
  store: [
    { name: 'soonest first', reversed: 'latest first', compare: undefined },
    { name: 'largest first', reversed: 'smallest first', compare: most((blob) => blob.sizeBytes) },
    {
      name: 'by repository',
      reversed: 'by repository, from the end',
      compare: alphabetic((blob) => blob.repository ?? ''),
    },
  ],
  repositories: [
    { name: 'most reads first', reversed: 'fewest reads first', compare: undefined },
    {
      name: 'lowest hit rate first',
      reversed: 'highest hit rate first',
      compare: least((entry) => share(entry.hits, entry.reads)),
    },
    {
      name: 'most bytes first',
      reversed: 'fewest bytes first',
      compare: most((entry) => entry.toClientsBytes),
    },
    { name: 'latest first', reversed: 'longest ago first', compare: most((entry) => entry.lastReadAtMs) },
    { name: 'by name', reversed: 'by name, from the end', compare: alphabetic((entry) => entry.repository) },
  ],
  pulls: [
    { name: 'newest first', reversed: 'oldest first', compare: undefined },
    { name: 'slowest first', reversed: 'fastest first', compare: most((pull) => pull.durationMs) },
    { name: 'largest first', reversed: 'smallest first', compare: most((pull) => pull.bytesSent) },
    {
      name: 'by repository',
      reversed: 'by repository, from the end',
      compare: alphabetic((pull) => pull.repository),
    },
  ],
};

/** A list in the chosen order; those that are equal stay as the daemon gives them. */
export function sorted<L extends List>(
  list: L,
  items: readonly Lists[L][],
  { order, isReversed }: SortChoice,
): readonly Lists[L][] {
  const { compare } = chosenOrder(list, order);
  const inOrder = compare === undefined ? items : items.toSorted(compare);
  return isReversed ? inOrder.toReversed() : inOrder;
}

export function chosenOrder<L extends List>(list: L, order: number): Order<Lists[L]> {
  const orders = ORDERS[list];
  return orders[order % orders.length] ?? orders[0];
}

/** How much of it is there, from 0 to 1; 0 where its size is not known. */
export function progress({ doneBytes, sizeBytes }: FillFacts): number {
  return sizeBytes === undefined || sizeBytes === 0 ? 0 : Math.min(1, doneBytes / sizeBytes);
}

/** Failures of all requests; -1 where there was none, which sorts last. */
export function errorRate({ requests, failures }: UpstreamFacts): number {
  return requests === 0 ? -1 : failures / requests;
}

function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}
