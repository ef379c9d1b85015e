import type { Tally } from '../../src/control/snapshot.ts';
import type { Signs } from './signs.ts';

/** What happened in the stretch of time that a column of a graph stands for. */
export interface HourColumn {
  readonly tally: Tally;
  /** How much of it is known: the newest one has only begun. */
  readonly seconds: number;
}

/** How many tallies of ten seconds an hour has. */
const HOUR_TALLIES = 360;
const TALLY_MS = 10_000;

/**
 * The last hour in so many columns, at most 360, the newest last; undefined where nothing is known. A column stands for
 * the same stretch of time from one snapshot to the next, so that the picture moves on and does not flicker.
 */
export function hourColumns(
  history: readonly Tally[],
  atMs: number,
  wanted: number,
): readonly (HourColumn | undefined)[] {
  const width = Math.max(0, Math.min(HOUR_TALLIES, wanted));
  const columns: (HourColumn | undefined)[] = Array.from({ length: width }, () => undefined);
  const last = Math.floor(atMs / TALLY_MS);
  const columnOf = (number: number): number => Math.floor((number * width) / HOUR_TALLIES);
  for (const [index, tally] of history.entries()) {
    const at = width - 1 - (columnOf(last) - columnOf(last - (history.length - 1 - index)));
    if (at < 0) continue;
    const before = columns[at];
    const seconds = TALLY_MS / 1000;
    columns[at] =
      before === undefined
        ? { tally, seconds }
        : { tally: added(before.tally, tally), seconds: before.seconds + seconds };
  }
  return columns;
}

/**
 * Values as columns of blocks, some lines high, the top one first; a blank where there is no value.
 * @param most what fills a column
 */
export function graph(
  values: readonly (number | undefined)[],
  { rows, most, signs }: { readonly rows: number; readonly most: number; readonly signs: Signs },
): readonly string[] {
  const steps = signs.levels.length;
  // The topmost step stays free, so that one graph does not touch what stands above it.
  const highest = Math.max(1, steps * rows - 1);
  const heights = values.map((value) => {
    if (value === undefined) return 0;
    const share = most <= 0 ? 0 : Math.min(1, Math.max(0, value / most));
    // Something is there even where it is nothing: the lowest step.
    return Math.max(1, Math.round(share * highest));
  });
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * steps;
    return heights
      .map((height) => {
        const step = Math.min(steps, height - below);
        return step <= 0 ? ' ' : (signs.levels[step - 1] ?? ' ');
      })
      .join('');
  });
}

function added(left: Tally, right: Tally): Tally {
  const outcomes = { ...left.outcomes };
  for (const [outcome, reads] of Object.entries(right.outcomes)) {
    outcomes[outcome as keyof typeof outcomes] += reads;
  }
  return {
    reads: left.reads + right.reads,
    outcomes,
    toClientsBytes: left.toClientsBytes + right.toClientsBytes,
    fromUpstreamBytes: left.fromUpstreamBytes + right.fromUpstreamBytes,
  };
}
