import type { DaemonState } from './daemon-state.ts';
import { age } from './figures.ts';
import { type Line, line, span } from './line.ts';
import type { Signs } from './signs.ts';

/** `● ready`, `◌ draining`, `✖ gone 12 s`: how it stands with a daemon, in a sign and a word. */
export function stateSpans(state: DaemonState, signs: Signs): Line {
  if (state.kind === 'waiting') return line(span(`${signs.paused} waiting`, 'warn'));
  if (state.kind === 'gone')
    return line(span(`${signs.down} gone ${age(state.atMs - state.sinceMs)}`, 'bad'));
  const { status, problems } = state.snapshot.health;
  if (status === 'unhealthy') return line(span(`${signs.down} ${status}`, 'bad'));
  if (status !== 'ready') return line(span(`${signs.paused} ${status}`, 'warn'));
  const count = Object.keys(problems).length;
  if (count === 0) return line(span(`${signs.up} ready`, 'good'));
  return line(span(`${signs.warning} ${count} ${count === 1 ? 'problem' : 'problems'}`, 'warn'));
}
