import { hitRate } from './hit-rate.ts';
import { printable } from './printable.ts';
import type { DayTally, Tally } from './snapshot.ts';
import { OpenTally } from './tally-ring.ts';

const BAR_WIDTH = 20;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

export interface StatsTextOptions {
  /** The days that are told of, all of them, the oldest first. */
  readonly days: readonly string[];
  /** Shows bytes. */
  readonly megabytes: (bytes: number) => string;
  readonly colour: boolean;
}

/** Hit rates by day with a bar for each, what they come to, and what each namespace has of that. */
export function statsText(tallies: readonly DayTally[], options: StatsTextOptions): string {
  const { days } = options;
  const rows = days.map((day) => rowOf(day, sumOf(tallies.filter((tally) => tally.day === day)), options));
  const namespaces = [...new Set(tallies.map(({ namespace }) => namespace))].filter((name) => name !== '');
  const total = rowOf('together', sumOf(tallies), options);
  const parts = namespaces.map((name) =>
    rowOf(name, sumOf(tallies.filter(({ namespace }) => namespace === name)), options),
  );
  const head: Row = ['', 'reads', 'hits', 'by requests', '', 'by bytes', 'to clients', 'from upstream'];
  const table = [head, ...rows, total, ...(parts.length > 1 ? parts : [])];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) => lineOf(row, widths));
  lines.splice(1 + rows.length, 0, '');
  if (parts.length > 1) lines.splice(3 + rows.length, 0, '');
  const [title = ''] = lines;
  lines[0] = options.colour ? `\u001B[1m${title}\u001B[22m` : title;
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

type Row = readonly [string, string, string, string, string, string, string, string];

const BAR_COLUMN = 4;

function rowOf(name: string, tally: Tally, { megabytes }: StatsTextOptions): Row {
  const { requests, bytes } = hitRate(tally);
  return [
    printable(name),
    grouped(tally.reads),
    grouped(tally.outcomes.hit),
    percent(requests),
    bar(requests ?? 0),
    percent(bytes),
    megabytes(tally.toClientsBytes),
    megabytes(tally.fromUpstreamBytes),
  ];
}

function lineOf(row: Row, widths: readonly number[]): string {
  return row
    .map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 || column === BAR_COLUMN ? cell.padEnd(width) : cell.padStart(width);
    })
    .join('  ');
}

function sumOf(tallies: readonly Tally[]): Tally {
  const sum = new OpenTally();
  for (const tally of tallies) sum.add(tally);
  return sum.closed();
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ' ');
}

function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** A bar of up to twenty characters, exact to an eighth of one. */
function bar(share: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH * 8);
  return `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8] ?? ''}`;
}
