import { styleText } from 'node:util';
import type { HopAnswer, PulledObject } from './demo-pull.ts';

const HOPS = ['china', 'asia'] as const;
const GOOD = new Set(['hit', 'joined', 'revalidated', 'prefetched']);

/** A pull as a table: each object with its time, and each hop's outcome and wait. */
export function pullTable(title: string, objects: readonly PulledObject[]): string {
  const rows = objects.map((object) => [
    object.name,
    megabytes(object.sizeBytes),
    milliseconds(object.tookMs),
    ...HOPS.flatMap((hop) => cellsOf(object.hops.get(hop))),
  ]);
  rows.push([
    'together',
    megabytes(sum(objects.map((object) => object.sizeBytes))),
    milliseconds(sum(objects.map((object) => object.tookMs))),
    ...HOPS.flatMap((hop) => [
      '',
      milliseconds(sum(objects.map((object) => object.hops.get(hop)?.waitedMs ?? 0))),
    ]),
  ]);
  const head = ['', 'size', 'time', ...HOPS.flatMap((hop) => [hop, 'waited'])];
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        isWord(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [
    styleText('bold', title),
    styleText('dim', `  ${line(head)}`),
    ...rows.slice(0, -1).map((row) => `  ${coloured(line(row))}`),
    `  ${styleText('bold', line(rows.at(-1) ?? []))}`,
    '',
  ].join('\n');
}

function isWord(column: number): boolean {
  return column === 0 || (column >= 3 && (column - 3) % 2 === 0);
}

function cellsOf(hop: HopAnswer | undefined): [string, string] {
  if (hop === undefined) return ['–', ''];
  return [hop.outcome, hop.waitedMs === undefined ? '' : milliseconds(hop.waitedMs)];
}

function coloured(line: string): string {
  return line.replaceAll(/\b[a-z]+\b/g, (word) => {
    if (GOOD.has(word)) return styleText('green', word);
    return word === 'miss' ? styleText('yellow', word) : word;
  });
}

function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${bytes} B` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function milliseconds(duration: number): string {
  return `${duration.toFixed(duration < 10 ? 1 : 0)} ms`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
