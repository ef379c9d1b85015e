import { normalTail } from './paired.ts';
import { median } from './summary.ts';

export interface IndependentResult {
  /** How many times as long the others took: more than 1 is faster. */
  readonly ratio: number;
  /** Two-sided, exact for small samples without ties. */
  readonly p: number;
}

const MOST_EXACT = 40;

/**
 * Compares what was measured in two runs: the test of Mann and Whitney, and the median of all ratios (Hollander, Wolfe,
 * Chicken: Nonparametric Statistical Methods, 4.1, 4.2).
 * @param ours times above 0
 * @throws {RangeError} where one side has none
 */
export function compareIndependent(ours: readonly number[], theirs: readonly number[]): IndependentResult {
  if (ours.length === 0 || theirs.length === 0) throw new RangeError('nothing to compare');
  const logs = ours.flatMap((one) => theirs.map((other) => Math.log(other / one)));
  const greater = logs.reduce((sum, log) => sum + (log > 0 ? 1 : log === 0 ? 0.5 : 0), 0);
  return { ratio: Math.exp(median(logs)), p: rankSumP(greater, ours.length, theirs.length) };
}

function rankSumP(greater: number, ours: number, theirs: number): number {
  const smaller = Math.min(greater, ours * theirs - greater);
  if (ours + theirs > MOST_EXACT) {
    const deviation = Math.sqrt((ours * theirs * (ours + theirs + 1)) / 12);
    return Math.min(1, 2 * normalTail(((ours * theirs) / 2 - smaller - 0.5) / deviation));
  }
  const ways = arrangements(ours, theirs);
  const all = ways.reduce((sum, count) => sum + count, 0);
  const below = ways.slice(0, Math.floor(smaller) + 1).reduce((sum, count) => sum + count, 0);
  return Math.min(1, (2 * below) / all);
}

/** In how many orders of both samples so many pairs have the first one's value below; by that number of pairs. */
function arrangements(ours: number, theirs: number): readonly number[] {
  let rows: number[][] = Array.from({ length: theirs + 1 }, () => [1]);
  for (let one = 1; one <= ours; one += 1) {
    const next: number[][] = [[1]];
    for (let other = 1; other <= theirs; other += 1) {
      const counts = Array.from({ length: one * other + 1 }, () => 0);
      // The greatest value is ours, and below all of theirs none; or theirs, and above all of ours.
      for (const [pairs, count] of (rows[other] ?? []).entries())
        counts[pairs + other] = (counts[pairs + other] ?? 0) + count;
      for (const [pairs, count] of (next[other - 1] ?? []).entries())
        counts[pairs] = (counts[pairs] ?? 0) + count;
      next.push(counts);
    }
    rows = next;
  }
  return rows[theirs] ?? [1];
}
