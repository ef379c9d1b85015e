import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareIndependent } from './independent.ts';
import { comparePaired, normalTail } from './paired.ts';
import { summarize } from './summary.ts';

describe('a summary', () => {
  test('of nothing is none', () => {
    expect(summarize([])).toBeUndefined();
  });

  test('bounds its median from six values on: the least and the greatest of six', () => {
    expect(summarize([5, 1, 4, 2, 3])).toMatchObject({
      count: 5,
      median: 3,
      low: undefined,
      high: undefined,
    });
    expect(summarize([6, 5, 1, 4, 2, 3])).toMatchObject({ median: 3.5, low: 1, high: 6 });
    // The 6th and 15th of 20 (Hollander, Wolfe, Chicken, table A.2 for n = 20).
    const twenty = summarize(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(twenty).toMatchObject({ low: 6, high: 15, p95: 19, p99: undefined });
  });

  test('tells the 99th percentile of a hundred', () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(summarize(values)).toMatchObject({ p95: 95, p99: 99, firstQuartile: 25.75, thirdQuartile: 75.25 });
  });

  test('has its figures in order, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 6 }), (values) => {
        const { min, low, median, high, max } = summarize(values) ?? {};
        expect([min, low, median, high, max]).toEqual(
          [min, low, median, high, max].toSorted((one, other) => Number(one) - Number(other)),
        );
      }),
    );
  });
});

describe('rounds beside each other', () => {
  test('six out of six are real, five out of five are not', () => {
    const six = comparePaired([10, 11, 12, 13, 14, 15].map((ms) => [ms, 2 * ms] as const));
    expect(six.p).toBeCloseTo(2 / 64);
    expect([six.low, six.ratio, six.high].map((value) => value?.toFixed(6))).toEqual([
      '2.000000',
      '2.000000',
      '2.000000',
    ]);
    const five = comparePaired([10, 11, 12, 13, 14].map((ms) => [ms, 2 * ms] as const));
    expect(five.p).toBeCloseTo(2 / 32);
    expect(five.low).toBeUndefined();
  });

  test('agree with the published example of depression scales (Hollander, Wolfe, Chicken, table 3.1)', () => {
    const before = [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3];
    const after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    // Of differences, T+ is 5, P(T <= 5) is 0.0195: given as ratios by their exponentials.
    const pairs = before.map((value, index) => [Math.exp(after[index] ?? 0), Math.exp(value)] as const);
    const { p, ratio } = comparePaired(pairs);
    expect(p).toBeCloseTo(0.0390625);
    expect(Math.log(ratio)).toBeCloseTo(0.46, 2);
  });

  test('equal ones differ in nothing', () => {
    expect(
      comparePaired([
        [3, 3],
        [4, 4],
      ]),
    ).toMatchObject({ ratio: 1, p: 1 });
    expect(() => comparePaired([])).toThrow(RangeError);
  });

  test('many go by the normal distribution, which the exact one comes near to', () => {
    const fifty = Array.from(
      { length: 50 },
      (_, index) => [100, index % 3 === 0 ? 90 - index / 9 : 105 + index / 7] as const,
    );
    const [exact, normal] = [comparePaired(fifty), comparePaired([...fifty, [100, 100.001]])];
    expect(Math.abs(exact.p - normal.p)).toBeLessThan(0.1);
    expect(Math.abs((exact.low ?? 0) - (normal.low ?? 9))).toBeLessThan(0.02);
    expect(normalTail(1.96)).toBeCloseTo(0.025, 4);
    expect(normalTail(-1.96)).toBeCloseTo(0.975, 4);
  });
});

describe('two runs', () => {
  test('four against four are real when none of one is below any of the other', () => {
    const { p, ratio } = compareIndependent([1, 2, 3, 4], [10, 20, 30, 40]);
    expect(p).toBeCloseTo(2 / 70);
    expect(ratio).toBeGreaterThan(5);
  });

  test('agree with the published example of water permeability (Hollander, Wolfe, Chicken, table 4.1)', () => {
    const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    const earlier = [1.15, 0.88, 0.9, 0.74, 1.21];
    // W is 30, P(W >= 30 + ...) is 0.1272 one-sided.
    expect(compareIndependent(earlier, term).p).toBeCloseTo(0.2544, 3);
  });

  test('the same values differ in nothing, and many go by the normal distribution', () => {
    expect(compareIndependent([1, 2, 3], [1, 2, 3]).p).toBe(1);
    const ours = Array.from({ length: 30 }, (_, index) => 100 + index);
    expect(
      compareIndependent(
        ours,
        ours.map((ms) => ms * 1.5),
      ).p,
    ).toBeLessThan(1e-6);
    expect(() => compareIndependent([], [1])).toThrow(RangeError);
  });
});
