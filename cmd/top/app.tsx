import { useApp, useInput, useWindowSize } from 'ink';
import { type ReactElement, useRef, useState, useSyncExternalStore } from 'react';
import type { DaemonState } from './daemon-state.ts';
import { type KeyAction, keyAction, type Press, pressesOf } from './keys.ts';
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

/** What a person has chosen; `frozen` is what stands still while the screen is paused. */
interface Chosen {
  readonly view: View;
  readonly frozen: readonly DaemonState[] | undefined;
}

/** The dashboard: what is watched, as a person has chosen to see it. Ends itself where `q` is pressed. */
export function App({ daemons, theme, hasKeys, suspend }: AppProps): ReactElement {
  const { exit, suspendTerminal } = useApp();
  const { columns: width, rows: height } = useWindowSize();
  const current = useSyncExternalStore(daemons.subscribe, daemons.states);
  // Several keys may come before the screen is drawn again: each has to find what the one before it has left.
  const latest = useRef<Chosen>({ view: FIRST_VIEW, frozen: undefined });
  const [{ view, frozen }, show] = useState(latest.current);
  const press = (key: Press): void => {
    const { view: before, frozen: held } = latest.current;
    const action = keyAction(key.input, key.key, before);
    if (action === undefined) return;
    if (action.kind === 'quit') exit();
    else if (action.kind === 'suspend') void suspendTerminal(suspend);
    else if (action.kind === 'pause') {
      latest.current = { view: before, frozen: held === undefined ? daemons.states() : undefined };
    } else {
      const change = viewAction(action, before, held ?? daemons.states(), { size: { width, height }, theme });
      latest.current = { view: changeView(before, change), frozen: held };
    }
  };
  useInput(
    (input, key) => {
      for (const each of pressesOf(input, key)) press(each);
      show(latest.current);
    },
    { isActive: hasKeys },
  );
  return (
    <ThemeContext value={theme}>
      <Screen
        states={frozen ?? current}
        view={view}
        isPaused={frozen !== undefined}
        size={{ width, height }}
      />
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
