import { once } from 'node:events';
import { render } from 'ink';
import { App } from './app.tsx';
import { themeFor } from './theme.tsx';
import type { WatchedDaemons } from './watched-daemons.ts';

export interface ScreenTerminal {
  readonly out: NodeJS.WriteStream;
  readonly input: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MOST_REDRAWS_PER_SECOND = 10;

/**
 * Shows the dashboard on the terminal's other screen until a key or the signal ends it, and leaves the terminal as it
 * was: its own screen, its cursor, its line editing.
 * @throws what went wrong in the program itself, once the terminal is as it was
 */
export async function runScreen(
  daemons: WatchedDaemons,
  { out, input, env }: ScreenTerminal,
  signal: AbortSignal,
): Promise<void> {
  const hasKeys = input.isTTY;
  const app = <App daemons={daemons} theme={themeFor(env)} hasKeys={hasKeys} suspend={suspend} />;
  const screen = render(app, {
    stdout: out,
    stdin: input,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    patchConsole: true,
    maxFps: MOST_REDRAWS_PER_SECOND,
    isScreenReaderEnabled: false,
  });
  const ended = screen.waitUntilExit();
  try {
    await Promise.race([ended, aborted(signal), daemons.failed()]);
  } finally {
    screen.unmount();
    // A terminal that was closed takes nothing any more.
    await Promise.race([ended.catch(() => undefined), gone(out)]);
    // What is typed from now on is the shell's.
    if (hasKeys) input.pause().unref();
  }
}

/** Job control: the shell takes over until it says `fg`. */
async function suspend(): Promise<void> {
  if (process.platform === 'win32') return;
  const continued = once(process, 'SIGCONT');
  process.kill(process.pid, 'SIGTSTP');
  await continued;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

async function gone(out: NodeJS.WriteStream): Promise<void> {
  if (!out.destroyed) await once(out, 'close');
}
