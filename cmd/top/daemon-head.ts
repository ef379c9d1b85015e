import { factSpans } from './chrome.ts';
import type { DaemonState } from './daemon-state.ts';
import { fitLine, type Line, line, span } from './line.ts';
import { noticeLine } from './notice.ts';
import type { Signs } from './signs.ts';
import { stateSpans } from './state-spans.ts';

export interface DaemonHead {
  readonly width: number;
  readonly signs: Signs;
  /** Whether it stands among others and has to say whose it is. */
  readonly isNamed: boolean;
  /** Whether there is a line for what is wrong although nothing is: another daemon beside it has one. */
  readonly isLevel: boolean;
}

/** What stands over one daemon's panels: who it is, and what is wrong with it. */
export function daemonHead(
  state: DaemonState,
  { width, signs, isNamed, isLevel }: DaemonHead,
): readonly Line[] {
  const name = [span(' '), span(state.name, 'bold'), span('  '), ...stateSpans(state, signs)];
  const notice = noticeLine(state, width, signs) ?? (isLevel ? line() : undefined);
  return [
    ...(isNamed ? [fitLine([...name, ...factSpans(state, width)], { width }, signs)] : []),
    ...(notice === undefined ? [] : [notice]),
  ];
}
