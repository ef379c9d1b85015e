import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, type TestContext } from 'vitest';
import { ControlDaemon, startControlDaemon } from '../fixtures/control-daemon.ts';
import { needPeers } from '../fixtures/peers.ts';
import { BUNDLE, PROGRAM, type Program } from '../fixtures/program.ts';
import { runRegcache } from '../fixtures/regcache-process.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { seededSnapshot } from '../fixtures/seeded-snapshot.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { TmuxTerminal } from '../fixtures/tmux-terminal.ts';

const command = ({ file, args }: Program): string => [file, ...args, 'top'].join(' ');
const TOP = command(PROGRAM);
const SIZES = [
  [60, 15],
  [120, 35],
  [200, 60],
] as const;
const WAIT = { timeout: 20_000, interval: 50 };

interface Shown {
  readonly terminal: TmuxTerminal;
  /** The screen, once it has this. */
  has(words: string | RegExp): Promise<string>;
}

/** A shell in a terminal of this size. */
async function openShell(
  context: TestContext,
  [width, height]: readonly [number, number],
  env: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  needPeers(context, 'tmux');
  const terminal = await TmuxTerminal.open({ width, height, env });
  onTestFinished(async () => terminal[Symbol.asyncDispose]());
  const has = async (words: string | RegExp): Promise<string> => {
    const text = async (): Promise<string> => (await terminal.screen()).join('\n');
    await expect.poll(text, WAIT).toMatch(words);
    return await text();
  };
  await has('ready>');
  return { terminal, has };
}

/** `regcache top` in a terminal of this size. */
async function openTop(
  context: TestContext,
  connect: string,
  size: readonly [number, number],
  env: Readonly<Record<string, string>> = {},
): Promise<Shown> {
  const shown = await openShell(context, size, env);
  await shown.terminal.type(`${TOP} ${connect}`);
  return shown;
}

/** Waits until the shell has nothing running. */
async function ended(terminal: TmuxTerminal): Promise<void> {
  await expect.poll(async () => await terminal.children(), WAIT).toEqual([]);
}

/** A daemon's socket, and how to connect to it. */
async function daemon(name = 'china'): Promise<{ readonly connect: string; readonly path: string }> {
  const folder = await tempFolder('top');
  onTestFinished(async () => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'control.sock');
  return { path, connect: `--connect ${name}=${path}` };
}

describe.each(SIZES)('in a terminal of %i by %i', (...size) => {
  test('every tab, the filter, the order, the pause and the help are a key away, and q leaves no trace', async (context) => {
    const { path, connect } = await daemon();
    await using _ = await startControlDaemon(seededSnapshot(), path);
    const { terminal, has } = await openShell(context, size);
    const before = await terminal.modes();
    await terminal.type('echo what was there $((6 * 7))');
    await has(/^what was there 42$/m);
    await terminal.type(`${TOP} ${connect}`);

    await has(/^ china {2}● ready {2}up 3 d 4 h.* 12:03:41$/m);
    const overview = await terminal.stillScreen();
    expect(overview).toHaveLength(size[1]);
    expect(overview.join('\n')).toMatch(/^ now +97\.3 % +97\.9 % +1,372/m);
    expect(overview.at(-1)).toMatch(/^ 1-6 tabs .* q quit$/);
    for (const [key, words] of [
      ['2', /^ docker\.\S+alpine .*[░█]+ +6 % .*4\.2 MB\/s .*1 +asia\./m],
      ['3', /^ ● +asia\S* .*42 ms +118 ms .*─▶ frankfurt/m],
      ['4', / 812\.40 GB of 1\.00 TB [^]*81\.2 % of the quota[^]* 1 min +docker\.io/],
      ['5', /^ docker\.io\/library\/alpine +91,000 +98\.5 % /m],
      ['6', /^ 12:03:40 +miss expired +registry\..*396 MB/m],
      ['BTab', /^ docker\.io\/library\/alpine +91,000 +98\.5 % /m],
    ] as const) {
      await terminal.press(key);
      await has(words);
    }
    await terminal.press('/', 'quay');
    await has(/1 that match, of 12/);
    await terminal.press('Enter');
    await has(/\/ quay/);
    await terminal.press('Escape');
    await has(/\/ filter/);
    await terminal.press('s', 's');
    await has(/most bytes first/);
    await terminal.press('S');
    await has(/fewest bytes first/);
    await terminal.press('p');
    await has(/ paused 12:03:41$/m);
    await terminal.press('?');
    await has(/q, Ctrl-C +quit/);
    await terminal.press('Escape');
    await has(/^─ Repositories/m);
    await terminal.press('6', 'Down', 'NPage');
    await has(/^─ Pulls {2}\d+ to \d+ of 100 /m);
    await terminal.press('q');

    await ended(terminal);
    await has(/^what was there 42$/m);
    expect(await terminal.modes()).toBe(before);
    await terminal.type('echo still $((6 * 7))');
    await has(/^still 42$/m);
  });

  test('it fits itself to that size, wherever it comes from', async (context) => {
    const { path, connect } = await daemon();
    await using _ = await startControlDaemon(seededSnapshot(), path);
    const { terminal, has } = await openTop(context, connect, size);
    await has('● ready');
    const fresh = await terminal.stillScreen();
    for (const [width, height] of [...SIZES, [80, 24], [47, 60]] as const) {
      await terminal.resize(width, height);
      await expect.poll(async () => (await terminal.screen())[height - 1], WAIT).toMatch(/^ 1-6 tabs/);
    }
    await terminal.resize(...size);
    await expect.poll(async () => (await terminal.screen()).join('\n'), WAIT).toBe(fresh.join('\n'));
  });
});

describe('the terminal is as it was', () => {
  test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('after %s', async (signal, context) => {
    const { path, connect } = await daemon();
    await using _ = await startControlDaemon(seededSnapshot(), path);
    const { terminal, has } = await openShell(context, [80, 24]);
    const before = await terminal.modes();
    await terminal.type(`${TOP} ${connect}; echo ended with $?`);
    await has('● ready');
    const [pid] = await terminal.children();
    process.kill(pid ?? 0, signal);
    await ended(terminal);
    await has(/^ended with 0$/m);
    expect(await terminal.modes()).toBe(before);
  });

  test('while it is stopped by Ctrl-Z, and top is back after fg', async (context) => {
    const { path, connect } = await daemon();
    await using _ = await startControlDaemon(seededSnapshot(), path);
    const { terminal, has } = await openShell(context, [80, 24]);
    const before = await terminal.modes();
    await terminal.type(`${TOP} ${connect}`);
    await has('● ready');
    await terminal.press('C-z');
    await has(/Stopped/);
    expect(await terminal.modes()).toBe(before);
    await terminal.type('fg');
    await has('● ready');
    await terminal.press('2');
    await has(/─ Fills/);
    await terminal.press('C-c');
    await ended(terminal);
    expect(await terminal.modes()).toBe(before);
  });
});

test('a daemon that is not there, comes, dies and is back is told on the screen', async (context) => {
  const { path, connect } = await daemon();
  const { has } = await openTop(context, connect, [80, 24]);
  await has(/◌ waiting for china[^]*no regcache answers on \S+control\.sock \(ENOENT\)/);
  const first = await startControlDaemon(seededSnapshot(), path);
  await has(/^ china {2}● ready/m);
  await first[Symbol.asyncDispose]();
  await has(/✖ gone for \d s, asking again: no regcache answers on/);
  // What it told last is still there to be looked at.
  await has(/^ now +97\.3 %/m);
  await using _ = await startControlDaemon(seededSnapshot({ second: 5 }), path);
  expect(await has(/^ china {2}● ready.* 12:03:46$/m)).not.toContain('gone');
});

test('a chain stands side by side, from a socket and from a debug address', async (context) => {
  const { path, connect } = await daemon();
  await using _ = await startControlDaemon(seededSnapshot(), path);
  await using asia = await startControlDaemon(seededSnapshot({ name: 'asia' }));
  const url = asia.target.kind === 'http' ? asia.target.url : '';
  const { has } = await openTop(context, `${connect} --connect asia=${url}`, [120, 35]);
  const screen = await has(/^ china ● ─▶ asia ● .*[^]*─ Hit rate .* ─ Hit rate /m);
  expect(screen).toMatch(/^ china {2}● ready .* asia {2}● ready /m);
});

test('NO_COLOR leaves out every colour, and the chosen tab is told by its brackets', async (context) => {
  const { path, connect } = await daemon();
  await using _ = await startControlDaemon(seededSnapshot(), path);
  const plain = await openTop(context, connect, [80, 24], { NO_COLOR: '1' });
  await plain.has(/^\[1 Overview\] /m);
  expect(await plain.terminal.coloursSeen()).toEqual([]);
  const coloured = await openTop(context, connect, [80, 24]);
  await coloured.has(/^ 1 Overview {3}2 Fills/m);
  const colours = await coloured.terminal.coloursSeen();
  expect(colours.length).toBeGreaterThan(3);
  // The 16 colours and nothing beyond them: none of 256, and none by its red, green and blue.
  expect(colours.filter((code) => !/^(?:\d|2\d|3[0-79]|4[0-79]|9\d|10\d)$/.test(code))).toEqual([]);
});

test('under a daemon that tells ten times a second it redraws no more often, and takes under 15 % of a core', async (context) => {
  const { path, connect } = await daemon();
  let second = 0;
  await using _ = await ControlDaemon.start({
    socketPath: path,
    snapshot: () => seededSnapshot({ second: second++ }),
    pushEveryMs: 100,
  });
  const { terminal, has } = await openTop(context, connect, [200, 60]);
  await has('● ready');
  const [pid] = await terminal.children();
  const written = await terminal.record();
  const measure = async (): Promise<{
    readonly redraws: number;
    readonly cpuMs: number;
    readonly atMs: number;
  }> => {
    // Ink wraps each redraw into a synchronized update.
    const redraws = (await written()).split('\u001B[?2026h').length - 1;
    const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    return { redraws, cpuMs: (Number(stat[11]) + Number(stat[12])) * 10, atMs: performance.now() };
  };
  const seen = second;
  // The compiler's work is over.
  await expect.poll(() => second - seen, WAIT).toBeGreaterThan(30);
  const from = await measure();
  await expect.poll(() => performance.now() - from.atMs, WAIT).toBeGreaterThan(10_000);
  const to = await measure();
  const elapsedMs = to.atMs - from.atMs;
  const redrawsPerSecond = ((to.redraws - from.redraws) / elapsedMs) * 1000;
  expect(redrawsPerSecond).toBeLessThanOrEqual(10);
  expect(redrawsPerSecond).toBeGreaterThan(1);
  expect((to.cpuMs - from.cpuMs) / elapsedMs).toBeLessThan(0.15);
});

test('Ink is loaded by the dashboard, and by nothing else', async (context) => {
  const { path, connect } = await daemon();
  await using _ = await startControlDaemon(seededSnapshot(), path);
  // What Ink imports to learn of the process's end leaves this where it is evaluated.
  const tells = `process.on('exit', () => console.log('signal-exit' + typeof process.__signal_exit_emitter__))`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tells)}` };
  for (const args of [['--help'], ['top', '--help'], ['top', '--once', '--connect', path]]) {
    const { stdout } = await runProgram(BUNDLE.file, [...BUNDLE.args, ...args], { env });
    expect([args, stdout.trim().split('\n').at(-1)]).toEqual([args, 'signal-exitundefined']);
  }
  const { terminal, has } = await openShell(context, [80, 24], env);
  await terminal.type(`${command(BUNDLE)} ${connect}`);
  await has('● ready');
  await terminal.press('q');
  await has('signal-exitobject');
});

test('in a pipe it prints a line a second and ends when nobody reads any more', async () => {
  const { path, connect } = await daemon();
  await using _ = await startControlDaemon(seededSnapshot(), path);
  const { exitCode, stdout, stderr } = await runProgram('bash', [
    '-o',
    'pipefail',
    '-c',
    `${TOP} ${connect} | head -n 2`,
  ]);
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^(?:\d\d:\d\d:\d\d china; hits 97\.3 % of requests, .*\n){2}$/);
});

test('--once of nobody ends with 1 and says what to look at', async () => {
  const ran = await runRegcache(['top', '--once', '--connect', '/nonexistent/control.sock']);
  expect([ran.exitCode, ran.stdout]).toEqual([1, '']);
  expect(ran.stderr).toContain('no regcache answers on /nonexistent/control.sock (ENOENT)');
  expect(ran.stderr).toContain('is `regcache serve` running there?');
});
