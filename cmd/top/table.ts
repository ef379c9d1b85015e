import { fitLine, type Line, line, span } from './line.ts';
import type { Signs } from './signs.ts';

/** One column of a list. */
export interface Column<T> {
  readonly title: string;
  /** In characters; with a weight, its share of what the others leave. */
  readonly width: number | { readonly weight: number };
  readonly align?: 'left' | 'right';
  readonly shorten?: 'middle' | 'end';
  /** The width of the list from which on the column is there. */
  readonly from?: number;
  /** The width of the list from which on it is no longer there. */
  readonly until?: number;
  /** Names of the orders that sort by this column. */
  readonly sortedBy?: readonly string[];
  readonly cell: (item: T) => Line;
}

export interface TableOptions {
  readonly width: number;
  readonly signs: Signs;
  /** The order's name, whose column is marked. */
  readonly sort: { readonly order: string; readonly isReversed: boolean };
}

const NARROW = 80;
/** Where the eye loses the line on the way from one end of a row to the other. */
const WIDEST = 160;

/** A line of titles and a line for each item, all of exactly this width. */
export function tableLines<T>(
  columns: readonly Column<T>[],
  items: readonly T[],
  { width: room, signs, sort }: TableOptions,
): readonly Line[] {
  const width = Math.min(room, WIDEST);
  const shown = columns.filter(({ from = 0, until = Infinity }) => width >= from && width < until);
  const gap = width < NARROW ? 1 : 2;
  const widths = columnWidths(shown, width - 1 - gap * (shown.length - 1));
  const row = (cell: (column: Column<T>) => Line): Line => {
    const pieces = shown.flatMap((column, index) => [
      span(' '.repeat(index === 0 ? 1 : gap)),
      ...fitLine(cell(column), { ...column, width: widths[index] ?? 0 }, signs),
    ]);
    return fitLine(pieces, { width }, signs);
  };
  const titles = row(({ title, sortedBy = [] }) => {
    const isSorted = sortedBy.includes(sort.order);
    const mark = isSorted ? (sort.isReversed ? signs.reversed : signs.sorted) : '';
    return line(span(`${title}${mark}`, 'dim'));
  });
  return [titles, ...items.map((item) => row(({ cell }) => cell(item)))];
}

function columnWidths<T>(columns: readonly Column<T>[], room: number): readonly number[] {
  const fixed = columns.reduce((sum, { width }) => sum + (typeof width === 'number' ? width : 0), 0);
  let weights = columns.reduce((sum, { width }) => sum + (typeof width === 'number' ? 0 : width.weight), 0);
  let left = Math.max(0, room - fixed);
  return columns.map(({ width }) => {
    if (typeof width === 'number') return width;
    const own = Math.round((left * width.weight) / weights);
    left -= own;
    weights -= width.weight;
    return own;
  });
}
