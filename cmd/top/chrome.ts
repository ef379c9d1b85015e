import { type DaemonState, snapshotOf } from './daemon-state.ts';
import { age, clockTime } from './figures.ts';
import { fitLine, type Line, line, lineWidth, shortened, type Span, span } from './line.ts';
import type { Signs } from './signs.ts';
import { stateSpans } from './state-spans.ts';
import { type Tab, TABS, type View } from './view.ts';

const TITLES: Readonly<Record<Tab, string>> = {
  overview: 'Overview',
  fills: 'Fills',
  upstreams: 'Upstreams',
  store: 'Store',
  repositories: 'Repositories',
  pulls: 'Pulls',
};
const SHORT_TABS = 74;
const LEAST_FILTER = 6;

export interface Chrome {
  readonly width: number;
  readonly signs: Signs;
}

/** The first line: who is looked at, how it stands with it, and when. */
export function headerLine(
  states: readonly DaemonState[],
  view: View,
  isPaused: boolean,
  { width, signs }: Chrome,
): Line {
  const atMs = Math.max(
    ...states.map((state) => snapshotOf(state)?.atMs ?? ('atMs' in state ? state.atMs : 0)),
  );
  const clock = line(...(isPaused ? [span('paused ', 'warn')] : []), span(`${clockTime(atMs)} `, 'dim'));
  const [only, ...others] = states;
  const who =
    only !== undefined && others.length === 0 ? oneDaemon(only, signs, width) : chain(states, view, signs);
  const room = width - lineWidth(clock) - 1;
  return [...fitLine([span(' '), ...who], { width: room }, signs), span(' '), ...clock];
}

function oneDaemon(state: DaemonState, signs: Signs, width: number): Line {
  return line(span(state.name, 'bold'), '  ', ...stateSpans(state, signs), ...factSpans(state, width));
}

/** How long it has been up, and which version it is. */
export function factSpans(state: DaemonState, width: number): Line {
  const snapshot = snapshotOf(state);
  if (snapshot === undefined || state.kind === 'gone') return [];
  const { version, startedAtMs, url } = snapshot.daemon;
  const up = span(`  up ${age(snapshot.atMs - startedAtMs)}`, 'dim');
  return width < 70 ? [up] : [up, span(`  ${version}  ${url}`, 'dim')];
}

function chain(states: readonly DaemonState[], { daemon }: View, signs: Signs): Line {
  return states.flatMap((state, index): Line => {
    const isChosen = daemon === 'all' || daemon === index;
    const sign: Span =
      state.kind === 'live'
        ? (stateSpans(state, signs)[0] ?? span(''))
        : span(state.kind === 'gone' ? signs.down : signs.paused, state.kind === 'gone' ? 'bad' : 'warn');
    return line(
      ...(index === 0 ? [] : [span(` ${signs.towards} `, 'dim')]),
      span(state.name, isChosen ? 'bold' : 'dim'),
      span(` ${sign.text.split(' ')[0] ?? ''}`, sign.tone),
    );
  });
}

/** The second line. The chosen tab is told by its brackets where there are no colours. */
export function tabsLine({ tab }: View, isColoured: boolean, { width, signs }: Chrome): Line {
  const isNarrow = width < SHORT_TABS;
  const pieces = TABS.flatMap((each, index) => {
    const title = `${index + 1} ${isNarrow && each === 'repositories' ? 'Repos' : TITLES[each]}`;
    const gap = index === 0 ? '' : ' ';
    if (each === tab) return line(gap, span(isColoured ? ` ${title} ` : `[${title}]`, 'chosen'));
    return line(isNarrow ? ' ' : `${gap} `, title);
  });
  return fitLine(pieces, { width }, signs);
}

/** What of the screen decides which keys mean something. */
export interface FooterFacts {
  readonly daemons: number;
  readonly isPaused: boolean;
  /** Whether a list is there to be sorted. */
  readonly hasList: boolean;
}

/** The last line: what can be pressed, or what is being typed. */
export function footerLine(
  view: View,
  { daemons, isPaused, hasList }: FooterFacts,
  { width, signs }: Chrome,
): Line {
  if (view.filter.isEdited) {
    const typed = view.filter.text.slice(-Math.max(8, width - 36));
    const hint = keys([
      ['Enter', 'keep'],
      ['Esc', 'clear'],
    ]);
    return fitLine(
      [span(' filter: ', 'dim'), span(`${typed}${signs.cursor}`, 'bold'), span('  '), ...hint],
      { width },
      signs,
    );
  }
  const pairs = (filter: string): readonly (readonly [string, string])[] => [
    [`1-${TABS.length}`, 'tabs'],
    ...(hasList ? [['s', 'sort'] as const] : []),
    ['/', filter],
    ['p', isPaused ? 'go on' : 'pause'],
    ...(daemons > 1 ? [['d', 'daemon'] as const] : []),
    ['?', 'help'],
    ['q', 'quit'],
  ];
  const filter = view.filter.text === '' ? 'filter' : view.filter.text;
  const wide = keys(pairs(filter));
  if (lineWidth(wide) <= width) return fitLine(wide, { width }, signs);
  const room = Math.max(LEAST_FILTER, width - lineWidth(keys(pairs(''), ' ')));
  return fitLine(keys(pairs(shortened(filter, room, 'end', signs)), ' '), { width }, signs);
}

function keys(pairs: readonly (readonly [key: string, meaning: string])[], gap = '  '): Line {
  return pairs.flatMap(([key, meaning], index) => [
    span(index === 0 ? ' ' : gap),
    span(key, 'accent'),
    span(` ${meaning}`, 'dim'),
  ]);
}

/** The first of these facts that fit beside a title, with `room` for all of the line but the title. */
export function fittingNote(facts: readonly string[], room: number, signs: Signs): string {
  const between = ` ${signs.dot} `;
  // A rule before the title, a blank after each, and a bit of the rule to close the line.
  const most = room - 7;
  return facts.reduce((note, fact) => {
    const longer = note === '' ? fact : `${note}${between}${fact}`;
    return longer.length <= most ? longer : note;
  }, '');
}

/** A panel's first line: its title on a rule, with what there is to say about it. */
export function titleLine(title: string, note: string, { width, signs }: Chrome): Line {
  const start = [
    span(`${signs.rule} `, 'dim'),
    span(title, 'bold'),
    ...(note === '' ? [] : [span(`  ${note}`, 'dim')]),
    span(' '),
  ];
  const rest = width - lineWidth(start);
  return rest >= 0 ? [...start, span(signs.rule.repeat(rest), 'dim')] : fitLine(start, { width }, signs);
}
