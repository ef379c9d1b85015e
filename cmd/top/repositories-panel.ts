import type { RepositoryFacts } from '../../src/control/snapshot.ts';
import { age, bytes, count, percent } from './figures.ts';
import { line, span, type Tone } from './line.ts';
import { listPanel } from './list-panel.ts';
import { meter } from './meter.ts';
import type { PanelOf } from './panel-content.ts';
import type { Signs } from './signs.ts';
import type { Column } from './table.ts';

const BAR = 12;
const LOW = 0.5;

/** The busiest repositories, and how much of each was here already. */
export const repositoriesPanel: PanelOf = (snapshot, options) =>
  listPanel(
    {
      title: 'Repositories',
      list: 'repositories',
      items: snapshot.repositories,
      columns: columns(options.signs, snapshot.atMs),
      empty: 'nothing was read yet',
      summary: (entries) => `hit rate ${percent(rate(entries))}`,
    },
    options,
  );

function columns(signs: Signs, atMs: number): readonly Column<RepositoryFacts>[] {
  return [
    {
      title: 'repository',
      width: { weight: 1 },
      shorten: 'middle',
      sortedBy: ['by name'],
      cell: ({ repository }) => line(repository),
    },
    {
      title: 'reads',
      width: 9,
      align: 'right',
      sortedBy: ['most reads first'],
      cell: ({ reads }) => line(count(reads)),
    },
    {
      title: 'hit rate',
      width: 9,
      align: 'right',
      sortedBy: ['lowest hit rate first'],
      cell: (entry) => line(span(percent(rate([entry])), tone(rate([entry])))),
    },
    {
      title: '',
      width: BAR,
      from: 84,
      cell: (entry) => meter([{ share: rate([entry]) ?? 0, tone: 'softGood', sign: 'full' }], BAR, signs),
    },
    {
      title: 'to clients',
      width: 11,
      align: 'right',
      sortedBy: ['most bytes first'],
      cell: ({ toClientsBytes }) => line(bytes(toClientsBytes)),
    },
    {
      title: 'last read',
      width: 11,
      align: 'right',
      from: 66,
      sortedBy: ['latest first'],
      cell: ({ lastReadAtMs }) => line(span(`${age(atMs - lastReadAtMs)} ago`, 'dim')),
    },
  ];
}

function rate(entries: readonly RepositoryFacts[]): number | undefined {
  const reads = entries.reduce((sum, entry) => sum + entry.reads, 0);
  return reads === 0 ? undefined : entries.reduce((sum, entry) => sum + entry.hits, 0) / reads;
}

function tone(hitRate: number | undefined): Tone {
  return hitRate !== undefined && hitRate < LOW ? 'warn' : 'plain';
}
