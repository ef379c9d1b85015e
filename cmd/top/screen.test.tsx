import { renderToString } from 'ink';
import { describe, expect, test } from 'vitest';
import { downUpstreams, idleSnapshot, seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import type { DaemonState } from './daemon-state.ts';
import { Screen } from './screen.tsx';
import { scrollRoom } from './scroll-room.ts';
import { signsFor } from './signs.ts';
import { ThemeContext, themeFor } from './theme.tsx';
import { changeView, FIRST_VIEW, TABS, type View } from './view.ts';

interface Look {
  readonly view?: View;
  readonly isPaused?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** The screen of this size, a string for each line. */
function seen(
  states: readonly DaemonState[],
  [width, height]: readonly [number, number],
  { view = FIRST_VIEW, isPaused = false, env = { NO_COLOR: '1' } }: Look = {},
): readonly string[] {
  const text = renderToString(
    <ThemeContext value={themeFor(env)}>
      <Screen states={states} view={view} isPaused={isPaused} size={{ width, height }} />
    </ThemeContext>,
    { columns: width },
  );
  const lines = text.split('\n');
  expect(lines).toHaveLength(height);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
  return lines;
}

function live(name = 'china', second = 0): DaemonState {
  return { kind: 'live', name, snapshot: seededSnapshot({ name, second }) };
}

const PROBLEM = {
  message: 'no regcache answers on /var/lib/registry/regcache/control.sock (ENOENT)',
  hint: 'is `regcache serve` running for china.yml?',
};
const { atMs } = seededSnapshot();
const waiting: DaemonState = {
  kind: 'waiting',
  name: 'asia',
  sinceMs: atMs,
  atMs: atMs + 12_000,
  problem: PROBLEM,
};
const gone: DaemonState = {
  kind: 'gone',
  name: 'china',
  snapshot: seededSnapshot(),
  sinceMs: atMs,
  atMs: atMs + 12_000,
  problem: PROBLEM,
};
const SIZES = [
  [60, 15],
  [80, 24],
  [100, 20],
  [120, 35],
  [200, 60],
] as const;

describe.each(SIZES)('at %i by %i', (...size) => {
  test('the screen has a header, the tabs, and the keys on its last line', () => {
    const lines = seen([live()], size);
    expect(lines[0]).toMatch(/^ china {2}● ready {2}up 3 d 4 h.*\d\d:\d\d:\d\d$/);
    expect(lines[1]).toMatch(/^\[1 Overview\] +2 Fills +3 Upstreams +4 Store +5 Repo\w+ +6 Pulls$/);
    expect(lines.at(-1)).toMatch(/^ 1-6 tabs .*\/ filter {2}p pause {2}\? help {2}q quit$/);
    for (const words of ['Hit rate', ' since start', 'to clients', 'from upstream', 'saved']) {
      expect(lines.join('\n')).toContain(words);
    }
  });

  test('every tab is full of its own, for one daemon and for three', () => {
    for (const tab of TABS) {
      const view = changeView(FIRST_VIEW, { kind: 'tab', tab });
      expect(seen([live()], size, { view }).join('\n')).toContain('─ ');
      const lines = seen([live(), live('asia', 7), waiting], size, { view });
      expect(lines[0]).toContain('china ● ─▶ asia ● ─▶ asia ◌');
    }
  });

  test('an idle daemon, one that is gone and one that was never there have their place', () => {
    const idle: DaemonState = { kind: 'live', name: 'china', snapshot: idleSnapshot() };
    expect(seen([idle], size).join('\n')).toContain('Hit rate');
    const lines = seen([gone], size);
    expect(lines[0]).toContain('china  ✖ gone 12 s');
    expect(lines[2]).toMatch(/^ ✖ gone for 12 s, asking again: no regcache answers on /);
    expect(lines.join('\n')).toContain('97.4 %');
    const never = seen([waiting], size);
    expect(never.join(' ')).toContain('◌ waiting for asia');
    expect(never.join('\n').replaceAll(/\s+/g, ' ')).toContain(`${PROBLEM.message} ${PROBLEM.hint}`);
  });

  test('the help has the keys', () => {
    const text = seen([live()], size, { view: { ...FIRST_VIEW, isHelp: true } }).join('\n');
    const words = ['Help', 'q, Ctrl-C', 'Esc', ...(size[1] > 15 ? ['hits of all reads'] : [])];
    expect(words.filter((each) => !text.includes(each))).toEqual([]);
  });
});

describe('what is wrong', () => {
  const problems = { store: 'ENOSPC: no space left on device', asia: 'down' };
  const health = { ready: false, status: 'unhealthy', problems } as const;
  const full: DaemonState = { kind: 'live', name: 'china', snapshot: seededSnapshot({ health }) };

  test('stands over everything else', () => {
    const lines = seen([full], [100, 20]);
    expect(lines[0]).toContain('china  ✖ unhealthy');
    expect(lines[2]).toMatch(/^ ✖ store: ENOSPC: no space left on device \(and 1 more\)$/);
  });

  test.each(['starting', 'draining'] as const)('is nothing with a daemon that is %s', (status) => {
    const snapshot = seededSnapshot({ health: { ready: false, status, problems: {} } });
    const lines = seen([{ kind: 'live', name: 'china', snapshot }], [100, 20]);
    expect(lines[0]).toContain(`china  ◌ ${status}`);
  });

  test('and does not keep it from being ready is a warning', () => {
    const problems = { 'upstream asia.example.com:5000': 'connect: ECONNREFUSED' };
    const snapshot = seededSnapshot({
      upstreams: downUpstreams(),
      health: { ready: true, status: 'ready', problems },
    });
    const lines = seen([{ kind: 'live', name: 'china', snapshot }], [100, 20]);
    expect(lines[0]).toContain('china  ! 1 problem');
    expect(lines[2]).toMatch(/^ ! upstream asia\.example\.com:5000: connect: ECONNREFUSED$/);
  });

  test('with one of two side by side moves both, so that they can be compared', () => {
    const lines = seen([full, live('asia')], [120, 35]);
    const line = lines.find((each) => each.includes('Hit rate')) ?? '';
    expect(line.split('Hit rate')).toHaveLength(3);
  });

  test('is over when the daemon is back', () => {
    expect(seen([live()], [100, 20]).join('\n')).not.toContain('gone');
  });
});

describe('several daemons', () => {
  test('stand side by side, each under its name', () => {
    const lines = seen([live(), live('asia', 7)], [120, 35]);
    expect(lines[0]).toMatch(/^ china ● ─▶ asia ●/);
    expect(lines[2]).toMatch(/^ china {2}● ready .* asia {2}● ready/);
    expect(lines.at(-1)).toContain('d daemon');
  });

  test('are a table of figures on a small terminal', () => {
    const lines = seen([live(), live('asia', 7), gone], [60, 15]);
    const text = lines.join('\n');
    expect(lines[2]).toMatch(/^─ Chain {2}hit rate by requests \/ by bytes/);
    expect(lines[3]).toMatch(/ china +asia +china$/);
    expect(lines[4]).toMatch(/ ● ready +● ready +✖ gone 12 s$/);
    expect(text).toMatch(/ hit rate now +97\.4 \/ 97\.9 % +9\d\.\d \/ 9\d\.\d % +97\.4 \/ 97\.9 %$/m);
    expect(text).toMatch(/ store +81\.2 % quota +81\.2 % quota +81\.2 % quota$/m);
  });

  test('that are more than there is room for say how many are left', () => {
    const states = ['a', 'b', 'c', 'd', 'e'].map((name) => live(name));
    expect(seen(states, [60, 15])[2]).toContain('2 more: press d');
  });

  test('are looked at one by one', () => {
    const view = { ...FIRST_VIEW, daemon: 1 };
    const lines = seen([live(), live('asia', 7)], [60, 15], { view });
    expect(lines[2]).toMatch(/^ asia {2}● ready/);
    expect(lines[3]).toContain('Hit rate');
  });
});

describe('the last line', () => {
  const last = (view: View, isPaused = false): string =>
    seen([live()], [60, 15], { view, isPaused }).at(-1) ?? '';

  test('has the key to sort where there is a list', () => {
    expect(last(FIRST_VIEW)).not.toContain('sort');
    expect(last({ ...FIRST_VIEW, tab: 'pulls' })).toContain('s sort');
  });

  test('fits with everything on it', () => {
    const view = { ...FIRST_VIEW, tab: 'pulls' as const, filter: { text: 'x'.repeat(90), isEdited: false } };
    expect(seen([live(), live('asia')], [60, 15], { view }).at(-1)).toMatch(/\? help/);
    expect(last({ ...view, filter: { text: '', isEdited: false } })).toMatch(/q quit$/);
  });

  test('shows what is typed, its end where it is long', () => {
    const typed = last({ ...FIRST_VIEW, filter: { text: `${'x'.repeat(80)}/alpine`, isEdited: true } });
    expect(typed).toMatch(/^ filter: x+\/alpine█ .*Enter keep {2}Esc clear$/);
  });

  test('and the first one say that the screen is paused', () => {
    expect(last(FIRST_VIEW, true)).toContain('p go on');
    expect(seen([live()], [60, 15], { isPaused: true })[0]).toMatch(/ paused \d\d:\d\d:\d\d$/);
  });
});

test('a terminal too small for anything says so', () => {
  expect(seen([live()], [39, 10])[0]).toBe('too small: 40 by 8 at least');
  expect(seen([live()], [40, 8])[0]).toContain('china');
});

test('a list scrolls to its last entry and no further', () => {
  const signs = signsFor({});
  for (const [width, height] of SIZES) {
    for (const tab of ['fills', 'upstreams', 'store', 'repositories', 'pulls'] as const) {
      for (const states of [[live()], [gone], [live(), gone]]) {
        const view = { ...FIRST_VIEW, tab };
        const { most } = scrollRoom(states, view, { width, height: height - 3 }, signs);
        const screen = (offset: number): string =>
          seen(states, [width, height], { view: { ...view, offset } }).join('\n');
        // One more changes nothing, and the last is seen.
        expect(screen(most + 1)).toBe(screen(most));
        expect(screen(Math.max(0, most - 1)) === screen(most)).toBe(most === 0);
      }
    }
  }
});
