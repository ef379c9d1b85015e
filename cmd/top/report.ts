import type { Snapshot } from '../../src/control/snapshot.ts';
import { titleLine } from './chrome.ts';
import { age } from './figures.ts';
import { fillsPanel } from './fills-panel.ts';
import { line, span } from './line.ts';
import type { Paint } from './paint.ts';
import type { PanelOf } from './panel-content.ts';
import { pullsPanel } from './pulls-panel.ts';
import { ratesPanel } from './rates-panel.ts';
import { repositoriesPanel } from './repositories-panel.ts';
import type { Signs } from './signs.ts';
import { stateSpans } from './state-spans.ts';
import { storePanel } from './store-panel.ts';
import { trafficPanel } from './traffic-panel.ts';
import { upstreamsPanel } from './upstreams-panel.ts';
import { FIRST_VIEW } from './view.ts';

/** Each part of a report with the lines that it may have, titles of columns included. */
const PARTS: readonly (readonly [PanelOf, number])[] = [
  [ratesPanel, 9],
  [trafficPanel, 4],
  [fillsPanel, 21],
  [upstreamsPanel, 21],
  [storePanel, 14],
  [repositoriesPanel, 11],
  [pullsPanel, 11],
];

/** How one daemon is doing, as text: what the screen shows, one part below the other. */
export function reportText(
  name: string,
  snapshot: Snapshot,
  { width, signs, paint }: { readonly width: number; readonly signs: Signs; readonly paint: Paint },
): string {
  const { daemon, health, atMs } = snapshot;
  const options = { width, signs, filter: '', sort: FIRST_VIEW.sort, offset: 0 };
  const head = line(
    span(name, 'bold'),
    '  ',
    ...stateSpans({ kind: 'live', name, snapshot }, signs),
    span(`  up ${age(atMs - daemon.startedAtMs)}  regcache ${daemon.version}  ${daemon.url}`, 'dim'),
  );
  const problems = Object.entries(health.problems).map(([part, problem]) =>
    line(span(`${signs.warning} ${part}: ${problem}`, 'bad')),
  );
  const parts = PARTS.flatMap(([panelOf, height]) => {
    const { title, note, lines } = panelOf(snapshot, { ...options, height });
    return [titleLine(title, note, { width, signs }), ...lines];
  });
  return [head, ...problems, ...parts].map((each) => `${paint(each).trimEnd()}\n`).join('');
}
