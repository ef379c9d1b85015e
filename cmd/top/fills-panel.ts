import type { FillFacts } from '../../src/control/snapshot.ts';
import { age, bytes, digestText, speed, wholePercent } from './figures.ts';
import { line, span } from './line.ts';
import { listPanel } from './list-panel.ts';
import { meter } from './meter.ts';
import type { PanelOf } from './panel-content.ts';
import type { Signs } from './signs.ts';
import { progress } from './sort.ts';
import type { Column } from './table.ts';

/** The fills that run: how far they are, how fast, who waits, and which hop sends. */
export const fillsPanel: PanelOf = (snapshot, options) =>
  listPanel(
    {
      title: 'Fills',
      list: 'fills',
      items: snapshot.fills,
      columns: columns(options.signs),
      empty: 'no fill is running: nothing is being fetched',
      summary: (fills) => speed(fills.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0)),
    },
    options,
  );

function columns(signs: Signs): readonly Column<FillFacts>[] {
  return [
    {
      title: 'repository',
      width: { weight: 5 },
      shorten: 'middle',
      sortedBy: ['by repository'],
      cell: ({ repository }) => line(span(repository)),
    },
    {
      title: 'digest',
      width: 13,
      from: 100,
      shorten: 'middle',
      cell: ({ digest }) => line(span(digestText(digest), 'dim')),
    },
    bar(6, signs, { until: 64 }),
    bar(10, signs, { from: 64, until: 90 }),
    bar(16, signs, { from: 90 }),
    {
      title: 'done',
      width: 5,
      align: 'right',
      cell: (fill) => line(fill.sizeBytes === undefined ? '?' : wholePercent(progress(fill))),
    },
    {
      title: 'size',
      width: 9,
      align: 'right',
      from: 76,
      cell: ({ sizeBytes }) => line(sizeBytes === undefined ? '?' : bytes(sizeBytes)),
    },
    {
      title: 'speed',
      width: 9,
      align: 'right',
      sortedBy: ['fastest first'],
      cell: ({ bytesPerSecond }) =>
        line(span(speed(bytesPerSecond), bytesPerSecond === 0 ? 'warn' : 'plain')),
    },
    { title: 'left', width: 8, align: 'right', from: 120, cell: (fill) => line(left(fill)) },
    followers('foll.', { width: 5, until: 80 }),
    followers('followers', { width: 10, from: 80 }),
    {
      title: 'hop',
      width: { weight: 4 },
      cell: ({ upstream }) => line(span(upstream, 'accent')),
    },
  ];
}

function bar(width: number, signs: Signs, bounds: { from?: number; until?: number }): Column<FillFacts> {
  return {
    title: '',
    width,
    ...bounds,
    sortedBy: ['nearest to its end first'],
    cell: (fill) =>
      meter([{ share: progress(fill), tone: fill.ahead ? 'accent' : 'good', sign: 'full' }], width, signs),
  };
}

function followers(
  title: string,
  where: { width: number; from?: number; until?: number },
): Column<FillFacts> {
  return {
    title,
    align: 'right',
    sortedBy: ['most followers first'],
    ...where,
    // Fetched ahead of any client: nobody waits, and nobody has to.
    cell: ({ followers, ahead }) =>
      ahead && followers === 0 ? line(span('ahead', 'dim')) : line(String(followers)),
  };
}

function left({ doneBytes, sizeBytes, bytesPerSecond }: FillFacts): string {
  if (sizeBytes === undefined || bytesPerSecond === 0) return '-';
  return age(((sizeBytes - doneBytes) / bytesPerSecond) * 1000);
}
