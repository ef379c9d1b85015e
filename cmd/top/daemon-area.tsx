import { Box } from 'ink';
import type { ReactElement } from 'react';
import { daemonHead } from './daemon-head.ts';
import { type DaemonState, snapshotOf } from './daemon-state.ts';
import { GAP, layoutOf, type Size } from './layout.ts';
import { waitingLines } from './notice.ts';
import { Panel } from './panel.tsx';
import { Rows } from './rows.tsx';
import { useTheme } from './theme.tsx';
import type { View } from './view.ts';

export interface DaemonAreaProps {
  readonly state: DaemonState;
  readonly view: View;
  readonly size: Size;
  /** Whether it stands among others and has to say whose it is. */
  readonly isNamed: boolean;
  /** Whether its panels begin a line lower, as those beside it do. */
  readonly isLevel: boolean;
}

/** One daemon: what is wrong with it, and its panels; or that it is being waited for. */
export function DaemonArea({ state, view, size, isNamed, isLevel }: DaemonAreaProps): ReactElement {
  const { signs } = useTheme();
  const { width } = size;
  const head = daemonHead(state, { width, signs, isNamed, isLevel });
  const height = size.height - head.length;
  const snapshot = snapshotOf(state);
  if (state.kind === 'waiting' || snapshot === undefined) {
    const lines = state.kind === 'waiting' ? [[], ...waitingLines(state, width, signs)] : [];
    return <Rows lines={[...head, ...lines]} width={width} height={size.height} />;
  }
  return (
    <Box flexDirection="column" width={width} height={size.height} flexShrink={0}>
      {head.length > 0 && <Rows lines={head} width={width} height={head.length} />}
      <Box columnGap={GAP} height={height} flexShrink={0}>
        {layoutOf(view.tab, { width, height }).map((column) => (
          <Box key={column.panels[0]?.kind} flexDirection="column" width={column.width} flexShrink={0}>
            {column.panels.map((panel) => (
              <Panel
                key={panel.kind}
                kind={panel.kind}
                snapshot={snapshot}
                view={view}
                width={column.width}
                height={panel.height}
              />
            ))}
          </Box>
        ))}
      </Box>
    </Box>
  );
}
