import type { Summary } from '../result.ts';

const P95_LEAST = 20;
const P99_LEAST = 100;
const OUTSIDE = 0.025;

/** Figures of a kind; undefined where there are none. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((one, other) => one - other);
  const count = sorted.length;
  const rank = medianRank(count);
  return {
    count,
    median: quantile(sorted, 0.5),
    low: rank === undefined ? undefined : sorted[rank],
    high: rank === undefined ? undefined : sorted[count - 1 - rank],
    min: sorted[0] ?? 0,
    max: sorted[count - 1] ?? 0,
    firstQuartile: quantile(sorted, 0.25),
    thirdQuartile: quantile(sorted, 0.75),
    p95: count < P95_LEAST ? undefined : nearestRank(sorted, 0.95),
    p99: count < P99_LEAST ? undefined : nearestRank(sorted, 0.99),
  };
}

export function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((one, other) => one - other),
    0.5,
  );
}

/** The smallest value that at least so great a share of all is not above; of sorted values. */
export function nearestRank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** Linear between the two nearest values; of sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * Which values from either end bound the median with a confidence of at least 95 %, whatever the distribution: as many
 * heads in so many throws of a coin are seldom exceeded (Hollander, Wolfe, Chicken: Nonparametric Statistical Methods,
 * 3.6).
 * @returns counted from 0; undefined where so few values can bound nothing
 */
function medianRank(count: number): number | undefined {
  let probability = 0.5 ** count;
  let below = 0;
  let rank: number | undefined;
  for (let heads = 0; heads < count / 2; heads += 1) {
    below += probability;
    if (below > OUTSIDE) break;
    rank = heads;
    probability *= (count - heads) / (heads + 1);
  }
  return rank;
}
