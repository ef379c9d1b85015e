import type { UpstreamFacts } from '../../src/control/snapshot.ts';
import { duration } from '../../src/bench/report/units.ts';
import { count, percent } from './figures.ts';
import { type Line, line, span, type Tone } from './line.ts';
import { listPanel } from './list-panel.ts';
import type { PanelOf } from './panel-content.ts';
import type { Signs } from './signs.ts';
import { errorRate } from './sort.ts';
import type { Column } from './table.ts';

const TONES: Readonly<Record<UpstreamFacts['state'], Tone>> = { up: 'good', down: 'bad', paused: 'warn' };
const MANY_ERRORS = 0.05;

/** The hops and origins that are asked: whether they answer, how soon, how often not, and what lies behind them. */
export const upstreamsPanel: PanelOf = (snapshot, options) =>
  listPanel(
    {
      title: 'Upstreams',
      list: 'upstreams',
      items: snapshot.upstreams,
      columns: columns(options.signs),
      empty: 'none is configured',
      summary: (upstreams) => `${upstreams.filter(({ state }) => state === 'up').length} up`,
    },
    options,
  );

function columns(signs: Signs): readonly Column<UpstreamFacts>[] {
  const wait = (
    title: string,
    sortedBy: readonly string[],
    value: (wait: { readonly p50: number; readonly p95: number }) => number,
  ): Column<UpstreamFacts> => ({
    title,
    width: 7,
    align: 'right',
    sortedBy,
    cell: ({ waitMs }) => line(waitMs === undefined ? '-' : duration(value(waitMs))),
  });
  return [
    { title: '', width: 1, cell: ({ state }) => line(span(signs[state], TONES[state])) },
    {
      title: 'upstream',
      width: { weight: 4 },
      sortedBy: ['by name'],
      cell: ({ name }) => line(name),
    },
    {
      title: 'namespace',
      width: { weight: 3 },
      from: 110,
      shorten: 'middle',
      cell: ({ namespace }) => line(span(namespace, 'dim')),
    },
    wait('p50', [], ({ p50 }) => p50),
    wait('p95', ['slowest first'], ({ p95 }) => p95),
    {
      title: 'errors',
      width: 7,
      align: 'right',
      sortedBy: ['most errors first'],
      cell: (upstream) => line(errors(upstream)),
    },
    {
      title: 'requests',
      width: 9,
      align: 'right',
      from: 80,
      cell: ({ requests }) => line(count(requests)),
    },
    { title: 'way behind it', width: { weight: 4 }, cell: (upstream) => way(upstream, signs) },
  ];
}

function errors(upstream: UpstreamFacts): ReturnType<typeof span> {
  const rate = errorRate(upstream);
  if (rate < 0) return span('-');
  const text = rate > 0 && rate < 0.001 ? '<0.1 %' : percent(rate);
  return span(text, rate === 0 ? 'dim' : rate < MANY_ERRORS ? 'plain' : 'bad');
}

function way({ state, reason, role, behind }: UpstreamFacts, signs: Signs): Line {
  if (state !== 'up') return line(span(reason ?? state, TONES[state]));
  if (role === 'origin') return line(span('origin', 'dim'));
  if (behind === undefined) return line(span('not known yet', 'dim'));
  return line(span([...behind, 'origin'].map((name) => `${signs.towards} ${name}`).join(' '), 'dim'));
}
