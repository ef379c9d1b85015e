import type { DaemonState } from './daemon-state.ts';
import { age, clockTime } from './figures.ts';
import { fitLine, type Line, span } from './line.ts';
import type { Signs } from './signs.ts';

/** Whether there is a {@link noticeLine}. */
export function isTroubled(state: DaemonState | undefined): boolean {
  if (state === undefined || state.kind === 'waiting') return false;
  return state.kind === 'gone' || Object.keys(state.snapshot.health.problems).length > 0;
}

/** A line over the panels where something is wrong; undefined where nothing is. */
export function noticeLine(state: DaemonState, width: number, signs: Signs): Line | undefined {
  if (state.kind === 'waiting') return undefined;
  if (state.kind === 'gone') {
    const since = `gone for ${age(state.atMs - state.sinceMs)}`;
    const text = ` ${signs.down} ${since}, asking again: ${state.problem.message}`;
    return fitLine([span(text, 'bad')], { width }, signs);
  }
  const [first, ...others] = Object.entries(state.snapshot.health.problems);
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  const { ready } = state.snapshot.health;
  const text = ` ${ready ? signs.warning : signs.down} ${first[0]}: ${first[1]}`;
  const pieces = [span(text, ready ? 'warn' : 'bad')];
  const room = width - more.length;
  return [...fitLine(pieces, { width: Math.min(room, text.length) }, signs), span(more, 'dim')];
}

/** What fills the screen while a daemon was never reached. */
export function waitingLines(
  state: Extract<DaemonState, { kind: 'waiting' }>,
  width: number,
  signs: Signs,
): readonly Line[] {
  const { problem, sinceMs, atMs } = state;
  if (problem === undefined) return [[span(`  asking ${state.name}`, 'dim')]];
  const texts: readonly Line[] = [
    [span(`${signs.paused} waiting for ${state.name}`, 'warn')],
    [],
    [span(problem.message)],
    ...(problem.hint === undefined ? [] : [[span(problem.hint, 'dim')]]),
    [],
    [span(`asking every second since ${clockTime(sinceMs)} (${age(atMs - sinceMs)})`, 'dim')],
  ];
  return texts.flatMap((text) => wrapped(text, width - 4)).map((text) => [span('  '), ...text]);
}

/** A long line as several, broken between words or, in a long path, anywhere. */
function wrapped([piece]: Line, width: number): readonly Line[] {
  if (piece === undefined) return [[]];
  const lines: string[] = [''];
  for (const word of piece.text.split(' ')) {
    const last = lines.at(-1) ?? '';
    const joined = last === '' ? word : `${last} ${word}`;
    if (joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(...(word.match(new RegExp(`.{1,${Math.max(1, width)}}`, 'g')) ?? []));
  }
  return lines.filter((text, index) => index > 0 || text !== '').map((text) => [span(text, piece.tone)]);
}
