import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ControlDaemon, startControlDaemon } from '../fixtures/control-daemon.ts';
import { memoryTerminal } from '../fixtures/memory-terminal.ts';
import { downUpstreams, idleSnapshot, seededSnapshot } from '../fixtures/seeded-snapshot.ts';
import { type TempFolder, tempFolder } from '../fixtures/temp-folder.ts';
import { systemClock } from '../src/async/clock.ts';
import { controlTargetText } from '../src/control/control-target.ts';
import type { Snapshot } from '../src/control/snapshot.ts';
import { runCli } from './cli.ts';
import { reportError } from './terminal.ts';
import { findDaemons } from './top/find-daemons.ts';
import { printLines } from './top/print-lines.ts';

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function top(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const { terminal, out, err } = memoryTerminal(env);
  let code: number;
  try {
    code = await runCli(['top', ...args], terminal);
  } catch (error) {
    code = reportError(error, terminal);
  }
  return { code, out: out(), err: err() };
}

const at = ({ target }: ControlDaemon): string => controlTargetText(target);

/** What a client makes of a snapshot that was sent to it. */
function sent(snapshot: Snapshot): unknown {
  return JSON.parse(JSON.stringify(snapshot));
}

/** A storage root below a folder, and a configuration that names it. */
async function configured(folder: TempFolder): Promise<{ readonly file: string; readonly socket: string }> {
  const root = join(folder.path, 'store');
  await mkdir(join(root, 'regcache'), { recursive: true });
  const file = join(folder.path, 'china.yml');
  await writeFile(
    file,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${root}}}\nproxy: {remoteurl: 'https://dtr.example.com'}\n`,
  );
  return { file, socket: join(root, 'regcache', 'control.sock') };
}

describe('top --once', () => {
  test('prints everything that the screen has, as text', async () => {
    await using daemon = await startControlDaemon(seededSnapshot({ upstreams: downUpstreams() }));
    const { code, out, err } = await top(['--once', '--connect', at(daemon)]);
    expect([code, err]).toEqual([0, '']);
    const text = out.split('\n');
    expect(text[0]).toBe('china  ● ready  up 3 d 4 h  regcache 0.2.0  https://china.example.com:5000');
    for (const [title, line] of [
      ['Hit rate', / now +97\.4 % +97\.9 % +1,372/],
      ['Traffic', / saved +167 MB\/s .* 23\.52 TB/],
      ['Fills', / 6 % +412 MB +4\.2 MB\/s +1 +asia\./],
      ['Upstreams', / ✖ +asia\.example\.com:5000 .* connect: ECONNREFUSED/],
      ['Store', / 1 min +docker\.io\/library\/alpine/],
      ['Repositories', / docker\.io\/library\/alpine +91,000 +98\.5 %/],
      ['Pulls', / miss expired +registry\.\S+\/web\/storefront/],
    ] as const) {
      expect(text.some((each) => each.startsWith(`─ ${title}`))).toBe(true);
      expect(out).toMatch(line);
    }
    expect(Math.max(...text.map((each) => each.length))).toBeLessThanOrEqual(100);
    expect(out).not.toContain('\u001B');
    expect(daemon.asked).toEqual(['/control/v1/snapshot']);
  });

  test('says what is wrong first', async () => {
    const problems = { store: 'ENOSPC: no space left on device' };
    const health = { ready: false, status: 'unhealthy', problems } as const;
    await using daemon = await startControlDaemon(seededSnapshot({ health }));
    const { out } = await top(['--once', '--connect', at(daemon)]);
    expect(out.split('\n').slice(0, 2)).toEqual([
      expect.stringContaining('china  ✖ unhealthy'),
      '! store: ENOSPC: no space left on device',
    ]);
  });

  test('of a daemon that has had nothing to do is short', async () => {
    await using daemon = await startControlDaemon(idleSnapshot());
    const { code, out } = await top(['--once', '--connect', `quiet=${at(daemon)}`]);
    expect(code).toBe(0);
    expect(out).toMatch(/^quiet {2}● ready {2}up 4 s/);
    for (const words of ['no fill is running', 'nothing was read yet', 'nothing was pulled yet']) {
      expect(out).toContain(words);
    }
  });

  test('with --json prints the snapshot as it came', async () => {
    const snapshot = seededSnapshot();
    await using daemon = await startControlDaemon(snapshot);
    const { code, out } = await top(['--once', '--json', '--connect', at(daemon)]);
    expect([code, JSON.parse(out)]).toEqual([0, sent(snapshot)]);
  });

  test('of several prints each, and as JSON each under its name', async () => {
    await using china = await startControlDaemon(seededSnapshot());
    await using asia = await startControlDaemon(seededSnapshot({ name: 'asia' }));
    const connect = ['--connect', `china=${at(china)}`, '--connect', `asia=${at(asia)}`];
    const { out } = await top(['--once', ...connect]);
    expect(out).toMatch(/^china {2}● ready[^]*^asia {2}● ready/m);
    const json = await top(['--once', '--json', ...connect]);
    expect(JSON.parse(json.out)).toEqual({
      china: sent(seededSnapshot()),
      asia: sent(seededSnapshot({ name: 'asia' })),
    });
  });

  test('of several of which one is not there prints the others, and ends with 1', async () => {
    await using china = await startControlDaemon(seededSnapshot());
    const connect = ['--connect', `china=${at(china)}`, '--connect', 'asia=/nonexistent/control.sock'];
    const { code, out, err } = await top(['--once', ...connect]);
    expect([code, err]).toEqual([1, expect.stringContaining('/nonexistent/control.sock (ENOENT)')]);
    expect(out).toMatch(/^china {2}● ready/);
    const json = await top(['--once', '--json', ...connect]);
    expect(JSON.parse(json.out)).toMatchObject({ china: { daemon: { pid: 4711 } }, asia: null });
  });
});

describe('the daemon', () => {
  test('of a configuration is asked on the socket below its storage root', async () => {
    await using folder = await tempFolder('top');
    const { file, socket } = await configured(folder);
    await using daemon = await startControlDaemon(seededSnapshot(), socket);
    const { code, out } = await top(['--once', '--config', file]);
    expect([code, daemon.asked]).toEqual([0, ['/control/v1/snapshot']]);
    expect(out).toMatch(/^china {2}● ready/);
  });

  test('that does not run ends --once with 1, the socket that was tried, and what to look at', async () => {
    await using folder = await tempFolder('top');
    const { file, socket } = await configured(folder);
    const { code, out, err } = await top(['--once', '-c', file]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`regcache: no regcache answers on ${socket} (ENOENT)`);
    expect(err).toContain(
      `is \`regcache serve\` running for ${file}? Its storage root is ${join(folder.path, 'store')}`,
    );
  });

  test('without a configuration is the one that serve runs without one', async () => {
    await using folder = await tempFolder('top');
    const root = join(folder.path, 'regcache');
    await mkdir(join(root, 'regcache'), { recursive: true });
    await using daemon = await startControlDaemon(seededSnapshot(), join(root, 'regcache', 'control.sock'));
    const { code } = await top(['--once', '--json'], { XDG_CACHE_HOME: folder.path });
    expect([code, daemon.asked.length]).toEqual([0, 1]);
  });

  test('of REGISTRY_CONFIGURATION_PATH is found as serve finds it', async () => {
    await using folder = await tempFolder('top');
    const { file, socket } = await configured(folder);
    await using _ = await startControlDaemon(seededSnapshot(), socket);
    expect((await top(['--once', '--json'], { REGISTRY_CONFIGURATION_PATH: file })).code).toBe(0);
  });

  test.each([
    [['--config', 'a.yml', '--connect', '/run/a.sock'], 'each say which daemon'],
    [['--connect', 'asia.example.com:5001'], 'has no scheme'],
    [['--connect', 'a=/run/a.sock', '--connect', 'a=/run/b.sock'], 'names a twice'],
    [['--connect', '/run/a.sock', '--connect', '/run/a.sock'], 'names /run/a.sock twice'],
    [['--config', '/nonexistent/china.yml'], 'cannot be read'],
  ])('of %j is no daemon', async (args, words) => {
    const { code, err } = await top(['--once', ...args]);
    expect([code, err]).toEqual([2, expect.stringContaining(words)]);
  });
});

/** What is printed, line by line, until the test has seen enough. */
async function lines(
  daemons: Parameters<typeof printLines>[0],
  isJson: boolean,
  look: (seen: { out(): readonly string[]; err(): string }) => Promise<void>,
): Promise<void> {
  const { terminal, out, err } = memoryTerminal();
  const stop = new AbortController();
  const running = printLines(daemons, terminal, { isJson, signal: stop.signal, clock: systemClock });
  await look({ out: () => out().split('\n').slice(0, -1), err });
  stop.abort();
  await running;
}

describe('without a terminal', () => {
  test('a line is printed for each snapshot', async () => {
    let second = 0;
    await using daemon = await ControlDaemon.start({
      snapshot: () => seededSnapshot({ second: second++ }),
      pushEveryMs: 20,
    });
    await lines(await findDaemons({ connect: at(daemon) }, {}), false, async ({ out, err }) => {
      await expect.poll(() => out().length).toBeGreaterThan(2);
      expect(out()[0]).toMatch(
        /^\d\d:\d\d:\d\d china; hits 97\.4 % of requests, 97\.9 % of bytes; 170 MB\/s to clients; 3\.5 MB\/s from upstream; 120 requests\/s; 6 fills; 3 of 3 upstreams up; store 81\.2 % of the quota$/,
      );
      expect(out()[1]).toContain('; 121 requests/s;');
      expect(err()).toBe('');
    });
    expect(daemon.asked).toEqual(['/control/v1/watch?interval=1000']);
  });

  test('a daemon that is not ready says so in each line, and steers no terminal', async () => {
    const problems = { 'upstream asia\u009B2J': 'down\u001B]0;x\u0007' };
    const health = { ready: false, status: 'draining', problems } as const;
    const snapshot = (): Snapshot => seededSnapshot({ health, name: 'china\u001B[2J' });
    await using daemon = await ControlDaemon.start({ snapshot, pushEveryMs: 20 });
    await lines(await findDaemons({ connect: at(daemon) }, {}), false, async ({ out }) => {
      await expect.poll(() => out().length).toBeGreaterThan(0);
      expect(out()[0]).toMatch(/^\S+ china\?\[2J; draining; hits .*; upstream asia\?2J: down\?\]0;x\?$/);
    });
  });

  test('--json prints a snapshot on each line', async () => {
    await using daemon = await ControlDaemon.start({ snapshot: () => seededSnapshot(), pushEveryMs: 20 });
    await lines(await findDaemons({ connect: at(daemon) }, {}), true, async ({ out }) => {
      await expect.poll(() => out().length).toBeGreaterThan(1);
      for (const line of out().slice(0, 2)) expect(JSON.parse(line)).toEqual(sent(seededSnapshot()));
    });
  });

  test('--json of several prints all of them on each line, null for who is not there', async () => {
    await using china = await ControlDaemon.start({ snapshot: () => seededSnapshot(), pushEveryMs: 20 });
    const connect = [`china=${at(china)}`, 'asia=/nonexistent/control.sock'];
    await lines(await findDaemons({ connect }, {}), true, async ({ out, err }) => {
      await expect.poll(() => out().length).toBeGreaterThan(0);
      expect(JSON.parse(out()[0] ?? '')).toEqual({ china: sent(seededSnapshot()), asia: null });
      expect(err()).toContain('waiting for asia: no regcache answers on /nonexistent/control.sock (ENOENT)');
    });
  });

  test('a daemon that is not there is waited for, and whoever reads is told once when it comes, goes and is back', async () => {
    await using folder = await tempFolder('top');
    const { file, socket } = await configured(folder);
    await lines(await findDaemons({ config: file }, {}), false, async ({ out, err }) => {
      await expect.poll(err).toMatch(/^waiting for .*control\.sock: no regcache answers/);
      const first = await startControlDaemon(seededSnapshot(), socket);
      await expect.poll(() => out().length, { timeout: 5000 }).toBeGreaterThan(0);
      expect(err().split('\n').at(-2)).toBe('china is there');
      await first[Symbol.asyncDispose]();
      await expect.poll(err).toContain('china is gone: lost the regcache on');
      await using _ = await startControlDaemon(seededSnapshot({ second: 5 }), socket);
      await expect.poll(() => out().at(-1), { timeout: 5000 }).toContain('; 125 requests/s;');
      expect(err().match(/is there/g)).toHaveLength(2);
      expect(err().match(/is gone/g)).toHaveLength(1);
    });
  });
});
