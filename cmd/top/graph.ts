import type { Tally } from '../../src/control/snapshot.ts';
import type { Signs } from './signs.ts';

/** What happened in the stretch of time that a column of a graph stands for. */
export interface HistoryColumn {
  readonly tally: Tally;
  /** How much of it is known: the newest one has only begun. */
  readonly seconds: number;
}

const TALLY_MS = 10_000;
/** The stretches of time that a graph shows, in tallies: the first minutes of a daemon would be lost in an hour. */
const SPANS = [
  { tallies: 60, name: '10 min' },
  { tallies: 360, name: '1 hour' },
] as const;

/** How long a graph of this history goes back, in words. */
export function historySpan(history: readonly Tally[]): string {
  return spanOf(history).name;
}

/**
 * A history in so many columns, the newest last; undefined where nothing is known. A column stands for the same stretch
 * of time from one snapshot to the next, so that the picture moves on and does not flicker.
 */
export function historyColumns(
  history: readonly Tally[],
  atMs: number,
  wanted: number,
): readonly (HistoryColumn | undefined)[] {
  const { tallies } = spanOf(history);
  const width = Math.max(0, Math.min(tallies, wanted));
  const columns: (HistoryColumn | undefined)[] = Array.from({ length: width }, () => undefined);
  const last = Math.floor(atMs / TALLY_MS);
  const columnOf = (number: number): number => Math.floor((number * width) / tallies);
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
  // Where there is more room than tallies, each is drawn as wide as it takes.
  return Array.from(
    { length: Math.max(0, wanted) },
    (_, index) => columns[Math.floor((index * width) / wanted)],
  );
}

function spanOf(history: readonly Tally[]): (typeof SPANS)[number] {
  return SPANS.find(({ tallies }) => history.length <= tallies) ?? SPANS[1];
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
