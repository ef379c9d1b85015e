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

/** An order of a list; `name` is what the screen says of it. */
export interface Order<T> {
  readonly name: string;
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
    { name: 'oldest first', compare: undefined },
    { name: 'fastest first', compare: most((fill) => fill.bytesPerSecond) },
    { name: 'nearest to its end first', compare: most(progress) },
    { name: 'most followers first', compare: most((fill) => fill.followers) },
    { name: 'by repository', compare: alphabetic((fill) => fill.repository) },
  ],
  upstreams: [
    { name: 'as configured', compare: undefined },
    { name: 'slowest first', compare: most((upstream) => upstream.waitMs?.p95 ?? -1) },
    { name: 'most errors first', compare: most(errorRate) },
    { name: 'by name', compare: alphabetic((upstream) => upstream.name) },
  ],
  store: [
    { name: 'soonest first', compare: undefined },
    { name: 'largest first', compare: most((blob) => blob.sizeBytes) },
    { name: 'by repository', compare: alphabetic((blob) => blob.repository ?? '') },
  ],
  repositories: [
    { name: 'most reads first', compare: undefined },
    { name: 'lowest hit rate first', compare: least((entry) => share(entry.hits, entry.reads)) },
    { name: 'most bytes first', compare: most((entry) => entry.toClientsBytes) },
    { name: 'latest first', compare: most((entry) => entry.lastReadAtMs) },
    { name: 'by name', compare: alphabetic((entry) => entry.repository) },
  ],
  pulls: [
    { name: 'newest first', compare: undefined },
    { name: 'slowest first', compare: most((pull) => pull.durationMs) },
    { name: 'largest first', compare: most((pull) => pull.bytesSent) },
    { name: 'by repository', compare: alphabetic((pull) => pull.repository) },
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
