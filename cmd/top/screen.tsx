import { Box } from 'ink';
import type { ReactElement } from 'react';
import { type Arrangement, arrange } from './arrangement.ts';
import { chainPanel } from './chain-panel.ts';
import { footerLine, headerLine, tabsLine, titleLine } from './chrome.ts';
import { DaemonArea } from './daemon-area.tsx';
import type { DaemonState } from './daemon-state.ts';
import { helpLines } from './help.ts';
import { GAP, layoutOf, type Size } from './layout.ts';
import { type Line, line } from './line.ts';
import { isTroubled } from './notice.ts';
import { Rows } from './rows.tsx';
import { useTheme } from './theme.tsx';
import type { View } from './view.ts';

export interface ScreenProps {
  readonly states: readonly DaemonState[];
  readonly view: View;
  readonly isPaused: boolean;
  readonly size: Size;
}

/** Header, tabs and footer. */
const CHROME_LINES = 3;
/** Below it there is nothing to be read; from 60 by 15 on it is good. */
const LEAST: Size = { width: 40, height: 8 };

/** What is left of a screen for panels. */
export function bodySize({ width, height }: Size): Size {
  return { width, height: Math.max(0, height - CHROME_LINES) };
}

/** All that is seen, of a size that is given. */
export function Screen({ states, view, isPaused, size }: ScreenProps): ReactElement {
  const { signs, isColoured } = useTheme();
  const { width } = size;
  if (width < LEAST.width || size.height < LEAST.height) {
    const text = `too small: ${LEAST.width} by ${LEAST.height} at least`;
    return <Rows lines={[line(text)]} width={width} height={size.height} />;
  }
  const chrome = { width, signs };
  const body = bodySize(size);
  const arrangement = arrange(states.length, view, body);
  const head = [headerLine(states, view, isPaused, chrome), tabsLine(view, isColoured, chrome)];
  const footer = footerLine(
    view,
    { daemons: states.length, isPaused, hasList: hasList(view, arrangement) },
    chrome,
  );
  return (
    <Box flexDirection="column" width={width} height={size.height}>
      <Rows lines={head} width={width} height={2} />
      {view.isHelp ? (
        <Rows lines={help(view, body, chrome)} width={width} height={body.height} />
      ) : (
        <Body states={states} view={view} size={body} arrangement={arrangement} />
      )}
      <Rows lines={[footer]} width={width} height={1} />
    </Box>
  );
}

interface BodyProps {
  readonly states: readonly DaemonState[];
  readonly view: View;
  readonly size: Size;
  readonly arrangement: Arrangement;
}

function Body({ states, view, size, arrangement }: BodyProps): ReactElement {
  const { signs } = useTheme();
  const { width, height } = size;
  if (arrangement.kind === 'table') {
    const { title, note, lines } = chainPanel(states, { width, height: height - 1, signs });
    return (
      <Rows lines={[titleLine(title, note, { width, signs }), ...lines]} width={width} height={height} />
    );
  }
  const { kind, areas } = arrangement;
  const isLevel = kind === 'beside' && areas.some(({ daemon }) => isTroubled(states[daemon]));
  return (
    <Box
      flexDirection={kind === 'beside' ? 'row' : 'column'}
      columnGap={GAP}
      width={width}
      height={height}
      flexShrink={0}
    >
      {areas.map(({ daemon, size: area }) => {
        const state = states[daemon];
        return (
          state !== undefined && (
            <DaemonArea
              key={daemon}
              state={state}
              view={view}
              size={area}
              isNamed={states.length > 1}
              isLevel={isLevel}
            />
          )
        );
      })}
    </Box>
  );
}

function help(view: View, { width, height }: Size, chrome: Parameters<typeof titleLine>[2]): readonly Line[] {
  const lines = helpLines(width, chrome.signs);
  const room = height - 1;
  const from = Math.min(view.offset, Math.max(0, lines.length - room));
  const note =
    lines.length > room ? `lines ${from + 1} to ${from + room} of ${lines.length}, scroll for more` : '';
  return [titleLine('Help', note, chrome), ...lines.slice(from, from + room)];
}

/** Whether there is a list that can be sorted. */
function hasList(view: View, arrangement: Arrangement): boolean {
  if (view.isHelp || arrangement.kind === 'table') return false;
  return arrangement.areas.some(({ size }) =>
    layoutOf(view.tab, size).some(({ panels }) =>
      panels.some(({ kind }) => (view.tab === 'overview' ? kind === 'repositories' : true)),
    ),
  );
}
