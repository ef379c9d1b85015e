import type { Tally, TrafficFacts } from '../../src/control/snapshot.ts';
import { graph, type HistoryColumn } from './graph.ts';
import { fitLine, type Line, type Span, span, type Tone } from './line.ts';
import type { Signs } from './signs.ts';

/** The spans of time that figures are told for, as {@link TrafficFacts} has them. */
export const SPANS = [
  ['now', 'now'],
  ['fiveMinutes', '5 min'],
  ['hour', '1 hour'],
  ['total', 'since start'],
] as const satisfies readonly (readonly [keyof TrafficFacts, string])[];

/** How wide the labels before figures are. */
export const LABEL = 14;
/** Figures further apart are no longer seen as one row. */
const WIDEST = 18;

export interface FigureRow {
  readonly label: string;
  readonly values: readonly Span[];
}

/** A label, and figures in columns of equal width. */
export function figureRow({ label, values }: FigureRow, width: number, signs: Signs): Line {
  const room = Math.min(width - LABEL, values.length * WIDEST);
  return [
    ...labelSpans(label, signs),
    ...values.flatMap((value, index) => {
      const [from, to] = [index, index + 1].map((at) => Math.floor((room * at) / values.length));
      return fitLine([value], { width: (to ?? 0) - (from ?? 0), align: 'right' }, signs);
    }),
  ];
}

export interface HistoryRows {
  readonly label: string;
  readonly tone: Tone;
  readonly value: (column: HistoryColumn) => number | undefined;
  readonly rows: number;
  readonly most: number;
}

/** A label, and the last hour as a line of blocks, some rows high. */
export function historyRows(
  columns: readonly (HistoryColumn | undefined)[],
  { label, tone, value, rows, most }: HistoryRows,
  signs: Signs,
): readonly Line[] {
  if (rows < 1) return [];
  const values = columns.map((column) => (column === undefined ? undefined : value(column)));
  return graph(values, { rows, most, signs }).map((text, index) => [
    ...labelSpans(index === rows - 1 ? label : '', signs),
    span(text, tone),
  ]);
}

/** How many bytes a second it was in the stretch of time that a column stands for. */
export function bytesPerSecond(column: HistoryColumn | undefined, bytes: (tally: Tally) => number): number {
  return column === undefined ? 0 : bytes(column.tally) / column.seconds;
}

function labelSpans(label: string, signs: Signs): Line {
  return fitLine([span(` ${label}`, 'dim')], { width: LABEL }, signs);
}
