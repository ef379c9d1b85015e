import { memo, type ReactElement } from 'react';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { briefPanel } from './brief-panel.ts';
import { titleLine } from './chrome.ts';
import { fillsPanel } from './fills-panel.ts';
import type { PanelKind } from './layout.ts';
import type { PanelOf } from './panel-content.ts';
import { pullsPanel } from './pulls-panel.ts';
import { ratesPanel } from './rates-panel.ts';
import { repositoriesPanel } from './repositories-panel.ts';
import { Rows } from './rows.tsx';
import { storePanel } from './store-panel.ts';
import { useTheme } from './theme.tsx';
import { trafficPanel } from './traffic-panel.ts';
import { upstreamsPanel } from './upstreams-panel.ts';
import type { View } from './view.ts';

const PANELS: Readonly<Record<PanelKind, PanelOf>> = {
  rates: ratesPanel,
  traffic: trafficPanel,
  brief: briefPanel,
  store: storePanel,
  fills: fillsPanel,
  upstreams: upstreamsPanel,
  repositories: repositoriesPanel,
  pulls: pullsPanel,
};

export interface PanelProps {
  readonly kind: PanelKind;
  readonly snapshot: Snapshot;
  readonly view: View;
  readonly width: number;
  readonly height: number;
}

/** A title on a rule, and below it what one part of a daemon does. */
export const Panel = memo(function Panel({ kind, snapshot, view, width, height }: PanelProps): ReactElement {
  const { signs } = useTheme();
  const { title, note, lines } = PANELS[kind](snapshot, {
    width,
    height: height - 1,
    signs,
    filter: view.filter.text,
    sort: view.sort,
    // The overview's lists begin at their beginning: there are several to scroll.
    offset: view.tab === 'overview' ? 0 : view.offset,
  });
  return <Rows lines={[titleLine(title, note, { width, signs }), ...lines]} width={width} height={height} />;
});
