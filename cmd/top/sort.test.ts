import { describe, expect, test } from 'vitest';
import { downUpstreams, seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { filtered, matchesFilter } from './filter.ts';
import { type List, type Lists, ORDERS, sorted } from './sort.ts';

const snapshot = { ...seededSnapshot(), upstreams: downUpstreams() };
const items: { readonly [L in List]: readonly Lists[L][] } = {
  fills: snapshot.fills,
  upstreams: snapshot.upstreams,
  store: snapshot.store.expiring,
  repositories: snapshot.repositories,
  pulls: snapshot.pulls,
};

/** A list in the order of that name, as one fact of each entry. */
function inOrder<L extends List, V>(list: L, name: string, fact: (item: Lists[L]) => V): readonly V[] {
  const order = ORDERS[list].findIndex((each) => each.name === name);
  expect(order).toBeGreaterThanOrEqual(0);
  return sorted(list, items[list], { order, isReversed: false }).map(fact);
}

const descending = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => b - a);

describe('a list is sorted', () => {
  test('as the daemon gives it, at first', () => {
    for (const list of Object.keys(ORDERS) as List[]) {
      expect(sorted(list, items[list], { order: 0, isReversed: false })).toEqual(items[list]);
    }
  });

  test('the other way round', () => {
    const reversed = sorted('pulls', items.pulls, { order: 0, isReversed: true });
    expect(reversed[0]).toBe(items.pulls.at(-1));
  });

  test.each([
    ['fastest first', inOrder('fills', 'fastest first', (fill) => fill.bytesPerSecond)],
    ['most followers first', inOrder('fills', 'most followers first', (fill) => fill.followers)],
    ['slowest first', inOrder('upstreams', 'slowest first', (upstream) => upstream.waitMs?.p95 ?? -1)],
    ['largest first', inOrder('store', 'largest first', (blob) => blob.sizeBytes)],
    ['most bytes first', inOrder('repositories', 'most bytes first', (entry) => entry.toClientsBytes)],
    ['latest first', inOrder('repositories', 'latest first', (entry) => entry.lastReadAtMs)],
    ['slowest first', inOrder('pulls', 'slowest first', (pull) => pull.durationMs)],
    ['largest first', inOrder('pulls', 'largest first', (pull) => pull.bytesSent)],
  ])('%s', (_name, values) => {
    expect(values).toEqual(descending(values));
    expect(new Set(values).size).toBeGreaterThan(1);
  });

  test('with the fill that is nearest to its end first, those of unknown size last', () => {
    const shares = inOrder('fills', 'nearest to its end first', ({ doneBytes, sizeBytes }) =>
      sizeBytes === undefined ? 0 : doneBytes / sizeBytes,
    );
    expect(shares).toEqual(descending(shares));
    expect(shares.at(-1)).toBe(0);
  });

  test('with the upstream that fails most first, those never asked last', () => {
    const names = inOrder('upstreams', 'most errors first', (upstream) => upstream.name);
    expect(names).toEqual(['asia.example.com:5000', 'asia-2.example.com:5000', 'registry-1.docker.io:443']);
  });

  test('with the lowest hit rate first', () => {
    const rates = inOrder('repositories', 'lowest hit rate first', ({ hits, reads }) => hits / reads);
    expect(rates).toEqual(rates.toSorted((a, b) => a - b));
  });

  test.each(['fills', 'store', 'pulls'] as const)('%s by repository', (list) => {
    const names = inOrder(list, 'by repository', (item) => item.repository ?? '');
    expect(names).toEqual(names.toSorted((a, b) => a.localeCompare(b, 'en')));
  });
});

describe('a filter', () => {
  test.each([
    ['', true],
    ['  ', true],
    ['alpine', true],
    ['ALPine ', true],
    ['docker.io', true],
    ['library/al', true],
    ['redis', false],
  ])('%j of docker.io/library/alpine: %s', (filter, matches) => {
    expect(matchesFilter({ repository: 'docker.io/library/alpine' }, filter)).toBe(matches);
  });

  test('finds an upstream by its namespace and by its name', () => {
    const names = (filter: string): readonly string[] =>
      filtered(snapshot.upstreams, filter).map(({ name }) => name);
    expect(names('docker.io')).toEqual(['asia-2.example.com:5000', 'registry-1.docker.io:443']);
    expect(names('asia.')).toEqual(['asia.example.com:5000']);
  });

  test('leaves out what no repository has any more', () => {
    expect(matchesFilter({ repository: undefined }, 'alpine')).toBe(false);
  });
});
