import { median } from './summary.ts';

/** How one thing compares to another that was measured beside it, round by round. */
export interface PairedResult {
  /** How many times as long the others took: more than 1 is faster. */
  readonly ratio: number;
  /** At least 95 %; undefined where so few rounds can bound nothing. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Two-sided, exact up to {@link MOST_EXACT} pairs. */
  readonly p: number;
}

const MOST_EXACT = 50;
const OUTSIDE = 0.025;

/**
 * Wilcoxon's signed-rank test of the logarithms of ratios, with the estimate and interval of Hodges and Lehmann
 * (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods, 3.1 to 3.3): no distribution is assumed, and one odd
 * round turns nothing around.
 * @param pairs times of one round, both above 0
 * @throws {RangeError} without a pair
 */
export function comparePaired(pairs: readonly (readonly [ours: number, theirs: number])[]): PairedResult {
  if (pairs.length === 0) throw new RangeError('nothing to compare');
  const logs = pairs.map(([ours, theirs]) => Math.log(theirs / ours));
  const walsh = walshAverages(logs);
  const rank = intervalRank(logs.length);
  const low = rank === undefined ? undefined : walsh[rank];
  const high = rank === undefined ? undefined : walsh[walsh.length - 1 - rank];
  return {
    ratio: Math.exp(median(walsh)),
    low: low === undefined ? undefined : Math.exp(low),
    high: high === undefined ? undefined : Math.exp(high),
    p: signedRankP(logs),
  };
}

/** The averages of all pairs, each value with itself too; sorted. */
function walshAverages(values: readonly number[]): readonly number[] {
  const averages: number[] = [];
  for (const [index, one] of values.entries()) {
    for (const other of values.slice(index)) averages.push((one + other) / 2);
  }
  return averages.toSorted((one, other) => one - other);
}

function signedRankP(values: readonly number[]): number {
  const differing = values.filter((value) => value !== 0);
  const count = differing.length;
  if (count === 0) return 1;
  const sorted = differing.toSorted((one, other) => Math.abs(one) - Math.abs(other));
  let positive = 0;
  for (const [index, value] of sorted.entries()) if (value > 0) positive += index + 1;
  const total = (count * (count + 1)) / 2;
  const smaller = Math.min(positive, total - positive);
  if (count > MOST_EXACT) return normalP(smaller, count);
  let below = 0;
  for (const [sum, share] of rankSums(count).entries()) if (sum <= smaller) below += share;
  return Math.min(1, 2 * below);
}

/** How probable each sum of the ranks 1 to `count` is where each is taken by the toss of a coin. */
function rankSums(count: number): readonly number[] {
  let shares = [1];
  for (let rank = 1; rank <= count; rank += 1) {
    const next = Array.from({ length: shares.length + rank }, () => 0);
    for (const [sum, share] of shares.entries()) {
      next[sum] = (next[sum] ?? 0) + share / 2;
      next[sum + rank] = (next[sum + rank] ?? 0) + share / 2;
    }
    shares = next;
  }
  return shares;
}

/** Which Walsh averages from either end bound the estimate; undefined where none can. */
function intervalRank(count: number): number | undefined {
  if (count > MOST_EXACT) {
    const deviation = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24);
    return Math.max(0, Math.floor((count * (count + 1)) / 4 - 1.96 * deviation) - 1);
  }
  let below = 0;
  let rank: number | undefined;
  for (const [sum, share] of rankSums(count).entries()) {
    below += share;
    if (below > OUTSIDE) return rank;
    rank = sum;
  }
  return rank;
}

function normalP(smaller: number, count: number): number {
  const mean = (count * (count + 1)) / 4;
  const deviation = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24);
  return Math.min(1, 2 * normalTail((mean - smaller - 0.5) / deviation));
}

/** The share of a normal distribution beyond `z` (Abramowitz and Stegun 26.2.17; good to 7.5e-8). */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const t = 1 / (1 + 0.2316419 * z);
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
}
