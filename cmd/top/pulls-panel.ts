import { duration } from '../../src/bench/report/units.ts';
import type { PullFacts } from '../../src/control/snapshot.ts';
import { bytes, clockTime, digestText } from './figures.ts';
import { type Line, line, span, type Tone } from './line.ts';
import { listPanel } from './list-panel.ts';
import type { PanelOf } from './panel-content.ts';
import type { Column } from './table.ts';

/** From this width on, a reference has a column of its own. */
const WIDE = 96;

const TONES: Readonly<Record<PullFacts['outcome'], Tone>> = {
  hit: 'good',
  revalidated: 'good',
  prefetched: 'accent',
  joined: 'accent',
  miss: 'warn',
  stale: 'warn',
  bypass: 'bad',
};

/** The last reads that have ended: what happened to each, and why a miss was one. */
export const pullsPanel: PanelOf = (snapshot, options) =>
  listPanel(
    {
      title: 'Pulls',
      list: 'pulls',
      items: snapshot.pulls,
      columns: COLUMNS,
      empty: 'nothing was pulled yet',
    },
    options,
  );

const COLUMNS: readonly Column<PullFacts>[] = [
  {
    title: 'time',
    width: 8,
    sortedBy: ['newest first'],
    cell: ({ atMs }) => line(span(clockTime(atMs), 'dim')),
  },
  { title: 'outcome', width: 12, cell: outcome },
  {
    title: 'repository',
    width: { weight: 1 },
    shorten: 'middle',
    until: WIDE,
    sortedBy: ['by repository'],
    cell: ({ repository, resource, reference }) =>
      line(isDigest(reference) ? `${repository} (${resource})` : `${repository}:${reference}`),
  },
  {
    title: 'repository',
    width: { weight: 1 },
    shorten: 'middle',
    from: WIDE,
    sortedBy: ['by repository'],
    cell: ({ repository }) => line(repository),
  },
  {
    title: 'reference',
    width: 15,
    shorten: 'middle',
    from: WIDE,
    cell: ({ reference }) => line(span(digestText(reference), isDigest(reference) ? 'dim' : 'plain')),
  },
  { title: 'kind', width: 8, from: 110, cell: ({ resource }) => line(span(resource, 'dim')) },
  {
    title: 'bytes',
    width: 9,
    align: 'right',
    sortedBy: ['largest first'],
    cell: ({ bytesSent }) => line(bytes(bytesSent)),
  },
  {
    title: 'took',
    width: 11,
    align: 'right',
    from: 72,
    sortedBy: ['slowest first'],
    cell: ({ durationMs }) => line(duration(durationMs)),
  },
  {
    title: 'status',
    width: 6,
    align: 'right',
    from: 120,
    cell: ({ status }) => line(span(String(status), status >= 400 ? 'bad' : 'dim')),
  },
  {
    title: 'client',
    width: 15,
    shorten: 'middle',
    from: 140,
    cell: ({ client }) => line(span(client, 'dim')),
  },
];

/** `miss expired`: the outcome, and why there was nothing to give. */
function outcome({ outcome: word, missReason, status }: PullFacts): Line {
  const tone = status >= 500 ? 'bad' : TONES[word];
  return missReason === undefined ? line(span(word, tone)) : line(span(`${word} ${missReason}`, tone));
}

function isDigest(reference: string): boolean {
  return reference.includes(':');
}
