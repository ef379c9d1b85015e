import { hitRate } from '../../src/control/hit-rate.ts';
import type { Snapshot, Tally } from '../../src/control/snapshot.ts';
import { type DaemonState, snapshotOf } from './daemon-state.ts';
import { bytes, count, percent, speed } from './figures.ts';
import { fitLine, type Line, line, span } from './line.ts';
import type { PanelContent } from './panel-content.ts';
import type { Signs } from './signs.ts';
import { stateSpans } from './state-spans.ts';
import { shortStoreShare } from './store-panel.ts';

const [LABEL, LEAST] = [15, 14];

type Figure = readonly [label: string, value: (snapshot: Snapshot) => string];

const rates = ({ requests, bytes: ofBytes }: ReturnType<typeof hitRate>): string =>
  `${percent(requests).replace(' %', '')} / ${percent(ofBytes)}`;
const saved = ({ toClientsBytes, fromUpstreamBytes }: Tally): string =>
  bytes(toClientsBytes - fromUpstreamBytes);

const FIGURES: readonly Figure[] = [
  ['hit rate now', ({ traffic }) => rates(hitRate(traffic.now))],
  ['  5 min', ({ traffic }) => rates(hitRate(traffic.fiveMinutes))],
  ['  since start', ({ traffic }) => rates(hitRate(traffic.total))],
  ['to clients', ({ traffic }) => speed(traffic.toClientsBytesPerSecond)],
  ['from upstream', ({ traffic }) => speed(traffic.fromUpstreamBytesPerSecond)],
  ['saved', ({ traffic }) => saved(traffic.total)],
  ['fills', ({ fills }) => count(fills.length)],
  [
    'upstreams up',
    ({ upstreams }) => `${upstreams.filter(({ state }) => state === 'up').length} of ${upstreams.length}`,
  ],
  ['store', ({ store }) => shortStoreShare(store)],
  ['requests/s', ({ traffic }) => count(traffic.requestsPerSecond)],
];

/** The chain as a table, a column for each daemon: for a terminal that is too small for more. */
export function chainPanel(
  states: readonly DaemonState[],
  { width, height, signs }: { readonly width: number; readonly height: number; readonly signs: Signs },
): PanelContent {
  const fitting = Math.max(1, Math.min(states.length, Math.floor((width - LABEL) / (LEAST + 1))));
  const shown = states.slice(0, fitting);
  const cell = Math.floor((width - LABEL) / shown.length);
  const row = (label: string, value: (state: DaemonState) => Line): Line =>
    line(
      ...fitLine([span(` ${label}`, 'dim')], { width: LABEL }, signs),
      ...shown.flatMap((state) => [
        span(' '),
        ...fitLine(value(state), { width: cell - 1, align: 'right', shorten: 'middle' }, signs),
      ]),
    );
  const rows = [
    row('', ({ name }) => line(span(name, 'bold'))),
    row('', (state) => stateSpans(state, signs)),
    ...FIGURES.map(([label, value]) =>
      row(label, (state) => {
        const snapshot = snapshotOf(state);
        return line(
          span(snapshot === undefined ? '-' : value(snapshot), state.kind === 'live' ? 'plain' : 'dim'),
        );
      }),
    ),
  ];
  const left = states.length - shown.length;
  return {
    title: 'Chain',
    note: `hit rate by requests / by bytes${left > 0 ? ` ${signs.dot} ${left} more: press d` : ''}`,
    lines: rows.slice(0, height),
  };
}
