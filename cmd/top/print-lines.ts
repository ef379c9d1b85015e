import { type Clock, systemClock } from '../../src/async/clock.ts';
import { printable } from '../../src/control/printable.ts';
import type { Terminal } from '../command.ts';
import type { DaemonState } from './daemon-state.ts';
import { DaemonWatch } from './daemon-watch.ts';
import type { Daemon } from './find-daemons.ts';
import type { PrintOptions } from './print-once.ts';
import { statusLine } from './status-line.ts';

/**
 * Prints a line a second until the signal aborts: of text for each daemon, or of JSON for all of them, which is the
 * snapshot of the only one, or an object with each one's under its name, null while it cannot be reached. Says on the
 * error output who is not there, and when they are back. A reader that does not read misses lines.
 */
export async function printLines(
  daemons: readonly [Daemon, ...Daemon[]],
  { out, err }: Terminal,
  { isJson, signal, clock = systemClock }: PrintOptions & { readonly clock?: Clock },
): Promise<void> {
  const before = new Map<DaemonWatch, DaemonState['kind'] | 'silent'>();
  const heard = new Set<DaemonWatch>();
  const print = (text: string): void => {
    if (!out.writableNeedDrain) out.write(`${text}\n`);
  };
  const changed = (watch: DaemonWatch): void => {
    const { state } = watch;
    tell(state, before.get(watch) ?? 'silent', err);
    before.set(watch, state.kind);
    if (!isJson) {
      if (state.kind === 'live') print(statusLine(state.name, state.snapshot));
      return;
    }
    heard.add(watch);
    // All of them have said something since the last line: each says something once a second.
    if (heard.size < watches.length) return;
    heard.clear();
    if (watches.some((each) => each.state.kind === 'live')) print(jsonLine(daemons, watches));
  };
  const watches: readonly DaemonWatch[] = daemons.map((source) => {
    const watch: DaemonWatch = new DaemonWatch({ source, clock, onChange: () => changed(watch) });
    return watch;
  });
  await Promise.all(watches.map(async (watch) => await watch.run(signal)));
}

/** Under the names that were given: what daemons call themselves may be the same. */
function jsonLine(daemons: readonly Daemon[], watches: readonly DaemonWatch[]): string {
  const snapshots = watches.map(({ state }) => (state.kind === 'live' ? state.snapshot : null));
  if (snapshots.length === 1) return JSON.stringify(snapshots[0]);
  const names = daemons.map(({ name, place }) => name ?? place);
  return JSON.stringify(Object.fromEntries(snapshots.map((snapshot, index) => [names[index], snapshot])));
}

function tell(state: DaemonState, before: DaemonState['kind'] | 'silent', err: Terminal['err']): void {
  if (state.kind === before || state.kind === 'live') {
    if (state.kind === 'live' && before !== 'live' && before !== 'silent')
      err.write(`${printable(state.name)} is there\n`);
    return;
  }
  const { name, problem } = state;
  if (problem === undefined) return;
  const what = state.kind === 'gone' ? `${name} is gone` : `waiting for ${name}`;
  err.write(`${printable(`${what}: ${problem.message}`)}\n`);
  if (problem.hint !== undefined) err.write(`  ${problem.hint}\n`);
}
