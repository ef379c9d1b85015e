import { useApp, useInput, useWindowSize } from 'ink';
import { type ReactElement, useReducer, useState, useSyncExternalStore } from 'react';
import type { DaemonState } from './daemon-state.ts';
import { type KeyAction, keyAction } from './keys.ts';
import type { Size } from './layout.ts';
import { bodySize, Screen } from './screen.tsx';
import { scrollRoom } from './scroll-room.ts';
import { type Theme, ThemeContext } from './theme.tsx';
import { changeView, FIRST_VIEW, type View, type ViewAction } from './view.ts';
import type { WatchedDaemons } from './watched-daemons.ts';

export interface AppProps {
  readonly daemons: Pick<WatchedDaemons, 'states' | 'subscribe'>;
  readonly theme: Theme;
  /** Whether there are keys to listen to: the input is a terminal. */
  readonly hasKeys: boolean;
  /** Stops this process, as Ctrl-Z does, until it is continued; the terminal is the shell's meanwhile. */
  readonly suspend: () => Promise<void>;
}

/** The dashboard: what is watched, as a person has chosen to see it. Ends itself where `q` is pressed. */
export function App({ daemons, theme, hasKeys, suspend }: AppProps): ReactElement {
  const { exit, suspendTerminal } = useApp();
  const { columns: width, rows: height } = useWindowSize();
  const current = useSyncExternalStore(daemons.subscribe, daemons.states);
  const [frozen, freeze] = useState<readonly DaemonState[]>();
  const [view, change] = useReducer(changeView, FIRST_VIEW);
  const states = frozen ?? current;
  const size = { width, height };
  useInput(
    (input, key) => {
      const action = keyAction(input, key, view);
      if (action === undefined) return;
      if (action.kind === 'quit') exit();
      else if (action.kind === 'pause') freeze(frozen === undefined ? current : undefined);
      else if (action.kind === 'suspend') void suspendTerminal(suspend);
      else change(viewAction(action, view, states, { size, theme }));
    },
    { isActive: hasKeys },
  );
  return (
    <ThemeContext value={theme}>
      <Screen states={states} view={view} isPaused={frozen !== undefined} size={size} />
    </ThemeContext>
  );
}

/** A key's change of the view, with what only the screen knows. */
function viewAction(
  action: Exclude<KeyAction, { kind: 'quit' | 'pause' | 'suspend' }>,
  view: View,
  states: readonly DaemonState[],
  { size, theme }: { readonly size: Size; readonly theme: Theme },
): ViewAction {
  if (action.kind === 'next-daemon') return { kind: 'next-daemon', count: states.length };
  if (action.kind !== 'scroll') return action;
  const { page, most } = scrollRoom(states, view, bodySize(size), theme.signs);
  return { kind: 'scroll', by: action.unit === 'page' ? action.by * page : action.by, most };
}
