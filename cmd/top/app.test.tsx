import { cleanup, render } from 'ink-testing-library';
import { afterEach, describe, expect, test } from 'vitest';
import { seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { App } from './app.tsx';
import type { DaemonState } from './daemon-state.ts';
import { themeFor } from './theme.tsx';

afterEach(cleanup);

/** Daemons that say what a test tells them to. */
function scripted(first: readonly DaemonState[]): {
  readonly daemons: { states(): readonly DaemonState[]; subscribe(listener: () => void): () => void };
  tell(states: readonly DaemonState[]): void;
} {
  const listeners = new Set<() => void>();
  let states = first;
  return {
    daemons: {
      states: () => states,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    tell: (next) => {
      states = next;
      for (const listener of listeners) listener();
    },
  };
}

interface Opened {
  screen(): string;
  press(keys: string): void;
  tell(states: readonly DaemonState[]): void;
  resize(width: number, height: number): void;
  readonly suspended: () => number;
}

async function open(
  first: readonly DaemonState[],
  size: readonly [number, number] = [100, 30],
): Promise<Opened> {
  const { daemons, tell } = scripted(first);
  let suspended = 0;
  const suspend = async (): Promise<void> => {
    suspended += 1;
    await Promise.resolve();
  };
  const { lastFrame, stdin, stdout } = render(
    <App daemons={daemons} theme={themeFor({ NO_COLOR: '1' })} hasKeys suspend={suspend} />,
  );
  const resize = (columns: number, rows: number): void => {
    Object.defineProperties(stdout, {
      columns: { configurable: true, value: columns },
      rows: { configurable: true, value: rows },
    });
    stdout.emit('resize');
  };
  // Ink listens once its effects have run.
  await expect.poll(() => stdin.listenerCount('readable')).toBe(1);
  resize(...size);
  return {
    screen: () => lastFrame() ?? '',
    press: (keys) => stdin.write(keys),
    tell,
    resize,
    suspended: () => suspended,
  };
}

const live = (second: number, name = 'china'): DaemonState => ({
  kind: 'live',
  name,
  snapshot: seededSnapshot({ name, second }),
});
const ESC = '\u001B';

describe('the dashboard', () => {
  test('shows the next snapshot, and says when the daemon is gone and when it is back', async () => {
    const { screen, tell } = await open([live(0)]);
    await expect.poll(screen).toContain('120 requests/s');
    tell([live(1)]);
    await expect.poll(screen).toContain('121 requests/s');
    const { snapshot } = live(1) as Extract<DaemonState, { kind: 'live' }>;
    const problem = { message: 'lost the regcache on /run/a.sock: it has ended', hint: undefined };
    tell([{ kind: 'gone', name: 'china', snapshot, sinceMs: 0, atMs: 3000, problem }]);
    await expect.poll(screen).toContain('✖ gone for 3 s, asking again: lost the regcache on /run/a.sock');
    tell([live(2)]);
    await expect.poll(screen).toContain('● ready');
    expect(screen()).not.toContain('gone');
  });

  test('stands still while it is paused, and goes on with what is now', async () => {
    const { screen, press, tell } = await open([live(0)]);
    press('p');
    await expect.poll(screen).toContain('paused');
    tell([live(5)]);
    press('2');
    await expect.poll(screen).toContain('[2 Fills]');
    press('1');
    await expect.poll(screen).toContain('[1 Overview]');
    expect(screen()).toContain('120 requests/s');
    press('p');
    await expect.poll(screen).toContain('125 requests/s');
    expect(screen()).not.toContain('paused');
  });

  test('turns its tabs, by number and one by one', async () => {
    const { screen, press } = await open([live(0)]);
    press('6');
    await expect.poll(screen).toContain('[6 Pulls]');
    press('\t');
    await expect.poll(screen).toContain('[1 Overview]');
    press(`${ESC}[Z`);
    await expect.poll(screen).toContain('[6 Pulls]');
    press(`${ESC}[D`);
    await expect.poll(screen).toContain('[5 Repositories]');
  });

  test('sorts, and sorts the other way round', async () => {
    const { screen, press } = await open([live(0)]);
    press('6s');
    await expect.poll(screen).toContain('took▾');
    press('S');
    await expect.poll(screen).toContain('took▴');
    expect(screen()).toContain('fastest first');
  });

  test('filters while it is typed, keeps the filter, and lets it go', async () => {
    const { screen, press } = await open([live(0)]);
    press('5');
    await expect.poll(screen).toContain('[5 Repositories]');
    // However fast it is typed: one key after the other, and all at once.
    for (const letter of '/qu') press(letter);
    press('ay');
    await expect.poll(screen).toContain('1 that match, of 12');
    // A key that means something elsewhere is a letter here.
    press('q');
    await expect.poll(screen).toContain('nothing here matches quayq');
    press('\u007F');
    press('\r');
    await expect.poll(screen).toContain('/ quay');
    expect(screen()).toContain('quay.io/prometheus/prometheus');
    press(ESC);
    await expect.poll(screen).toContain('/ filter');
    expect(screen()).toContain('docker.io/library/alpine');
  });

  test('scrolls by lines and by screens, to the end and back', async () => {
    const { screen, press } = await open([live(0)], [80, 20]);
    press('6');
    await expect.poll(screen).toContain('1 to 15 of 100');
    press(`${ESC}[B`);
    await expect.poll(screen).toContain('2 to 16 of 100');
    press(`${ESC}[6~`);
    await expect.poll(screen).toContain('17 to 31 of 100');
    press(`${ESC}[F`);
    await expect.poll(screen).toContain('86 to 100 of 100');
    press('k');
    await expect.poll(screen).toContain('85 to 99 of 100');
    press(`${ESC}[H`);
    await expect.poll(screen).toContain('1 to 15 of 100');
  });

  test('opens its help, scrolls it where it is small, and closes it', async () => {
    const { screen, press } = await open([live(0)], [60, 15]);
    press('?');
    await expect.poll(screen).toContain('Ctrl-C');
    expect(screen()).not.toContain('p50, p95');
    press(`${ESC}[F`);
    await expect.poll(screen).toContain('p50, p95');
    press(ESC);
    await expect.poll(screen).toContain('Hit rate');
  });

  test('goes from daemon to daemon', async () => {
    const { screen, press } = await open([live(0), live(3, 'asia')], [100, 30]);
    await expect.poll(screen).toContain('Chain');
    press('d');
    press('d');
    await expect.poll(screen).toMatch(/^ asia {2}● ready/m);
    press('d');
    await expect.poll(screen).toContain('Chain');
  });

  test('fits itself to the terminal as it grows and shrinks', async () => {
    const { screen, resize } = await open([live(0)], [100, 30]);
    await expect.poll(screen).toContain('Pulls  1 to');
    resize(60, 15);
    await expect.poll(() => screen().split('\n').length).toBe(15);
    expect(screen()).toContain('upstreams up');
    resize(160, 50);
    await expect.poll(() => screen().split('\n').length).toBe(50);
    expect(
      Math.max(
        ...screen()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBe(160);
  });

  test('hands the terminal to the shell at Ctrl-Z', async () => {
    const { press, suspended } = await open([live(0)]);
    press('\u001A');
    await expect.poll(suspended).toBe(1);
  });
});
