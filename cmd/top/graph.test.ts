import { expect, test } from 'vitest';
import type { Tally } from '../../src/control/snapshot.ts';
import { idleSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { graph, historyColumns, historySpan } from './graph.ts';
import { lineText, lineWidth } from './line.ts';
import { meter } from './meter.ts';
import { signsFor } from './signs.ts';

const signs = signsFor({});
const AT_MS = 1_800_000_000_000;

const none = idleSnapshot().traffic.total;

function tally(reads: number): Tally {
  return { ...none, reads };
}

/** The reads of each column, as a picture of what came into which. */
function reads(history: readonly Tally[], atMs: number, width: number): readonly (number | undefined)[] {
  return historyColumns(history, atMs, width).map((column) => column?.tally.reads);
}

test('the first ten minutes have all of the width, the newest last', () => {
  const columns = reads([tally(1), tally(2)], AT_MS, 60);
  expect(columns.slice(-3)).toEqual([undefined, 1, 2]);
  expect(historySpan([tally(1)])).toBe('10 min');
  // Where there is more room than tallies, each is as wide as it takes.
  expect(reads([tally(1), tally(2)], AT_MS, 120).slice(-5)).toEqual([undefined, 1, 1, 2, 2]);
});

test('where there is less room, a column is the sum of several, and says how many seconds it knows', () => {
  const hour = Array.from({ length: 360 }, () => tally(1));
  const columns = historyColumns(hour, AT_MS + 3_590_000, 60);
  expect(columns.map((column) => column?.tally.reads)).toEqual(Array.from({ length: 60 }, () => 6));
  expect(historySpan(hour)).toBe('1 hour');
  const begun = historyColumns([tally(7)], AT_MS, 60).at(-1);
  expect(begun).toMatchObject({ tally: { reads: 7 }, seconds: 10 });
  expect(reads(hour, AT_MS, 500)).toHaveLength(500);
});

test('ten seconds later, whole columns are as they were', () => {
  const at = (second: number): readonly (number | undefined)[] =>
    reads(
      Array.from({ length: 360 }, (_, index) => tally(Math.floor(second / 10) + index)),
      AT_MS + second * 1000,
      45,
    );
  for (let second = 0; second < 600; second += 10) {
    const [before, after] = [at(second), at(second + 10)];
    // All but the oldest, which leaves, and the newest, which grows.
    const same = after.slice(1, -1).join(' ') === before.slice(1, -1).join(' ');
    const moved = after.slice(1, -2).join(' ') === before.slice(2, -1).join(' ');
    expect([second, same || moved]).toEqual([second, true]);
  }
});

test('no room is no column', () => {
  expect(historyColumns([tally(1)], AT_MS, -3)).toEqual([]);
});

test('a graph goes from nothing to full, and leaves a blank where nothing is known', () => {
  const options = { rows: 1, most: 100, signs };
  expect(graph([undefined, 0, 1, 50, 100, 1000], options)).toEqual([' ▁▁▄▇▇']);
  expect(graph([0, 0], { ...options, most: 0 })).toEqual(['▁▁']);
});

test('a graph of several rows has the steps of all of them', () => {
  expect(graph([0, 25, 50, 75, 100], { rows: 2, most: 100, signs })).toEqual(['   ▃▇', '▁▄███']);
});

test.each([
  [[0.5], '████░░░░'],
  [[0.25, 0.5], '██▒▒▒▒░░'],
  [[0.9, 0.9], '███████▒'],
  [[-1, Number.NaN], '░░░░░░░░'],
  [[Infinity], '░░░░░░░░'],
])('a meter of %j is %s', (values, expected) => {
  const parts = values.map((share, index) => ({
    share,
    tone: 'good' as const,
    sign: index === 0 ? ('full' as const) : ('other' as const),
  }));
  const bar = meter(parts, 8, signs);
  expect(lineText(bar)).toBe(expected);
  expect(lineWidth(bar)).toBe(8);
});
