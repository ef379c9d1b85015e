import { expect, test } from 'vitest';
import { hitRate } from '../../src/control/hit-rate.ts';
import { idleSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { age, bytes, clockTime, count, digestText, percent, speed, wholePercent } from './figures.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

test.each([
  [percent(undefined), '-'],
  [percent(Number.NaN), '-'],
  [percent(0), '0.0 %'],
  [percent(0.974), '97.4 %'],
  [percent(0.9647), '96.5 %'],
  [percent(1), '100.0 %'],
  [percent(-0.123), '-12.3 %'],
  [percent(-0.0001), '0.0 %'],
  [percent(-1e9), '<-999 %'],
  [wholePercent(0.999), '99 %'],
  [wholePercent(1), '100 %'],
  [count(0), '0'],
  [count(999.6), '1,000'],
  [count(1_234_567), '1,234,567'],
  [count(20_612_345), '20.6 M'],
  [bytes(0.4), '0 B'],
  [bytes(812_400_000_000), '812.40 GB'],
  [bytes(25_670_000_000_000), '25.67 TB'],
  [bytes(-1_200_000), '-1.2 MB'],
  [speed(12_345_678), '12.3 MB/s'],
  [age(-5), '0 s'],
  [age(59_999), '59 s'],
  [age(12 * MINUTE), '12 min'],
  [age(3 * HOUR + 12 * MINUTE), '3 h 12 min'],
  [age(3 * HOUR), '3 h'],
  [age(4 * DAY + 3 * HOUR), '4 d 3 h'],
  [clockTime(new Date(2026, 10, 27, 9, 3, 7).getTime()), '09:03:07'],
  [digestText(`sha256:${'ab'.repeat(32)}`), 'ab'.repeat(32)],
  [digestText(`sha512:${'ab'.repeat(64)}`), `sha512:${'ab'.repeat(64)}`],
])('%s is written %s', (written, expected) => {
  expect(written).toBe(expected);
});

test('hits are counted of all reads, bytes by what was not fetched', () => {
  const { total } = idleSnapshot().traffic;
  expect(hitRate(total)).toEqual({ requests: undefined, bytes: undefined });
  const outcomes = { ...total.outcomes, hit: 3, prefetched: 5, miss: 2 };
  const rate = hitRate({ reads: 10, outcomes, toClientsBytes: 1000, fromUpstreamBytes: 250 });
  expect(rate).toEqual({ requests: 0.3, bytes: 0.75 });
});

test('more fetched than sent is less than nothing saved', () => {
  const { total } = idleSnapshot().traffic;
  expect(hitRate({ ...total, reads: 1, toClientsBytes: 100, fromUpstreamBytes: 300 }).bytes).toBe(-2);
});
