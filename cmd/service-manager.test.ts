import { describe, expect, it } from 'vitest';
import { ManualClock } from '../fixtures/manual-clock.ts';
import { type NotifySocket, listenAsManager } from '../fixtures/notify-socket.ts';
import { needPeers } from '../fixtures/peers.ts';
import { ServiceManager } from './service-manager.ts';

interface World {
  readonly clock: ManualClock;
  readonly failures: string[];
  readonly manager: ServiceManager;
}

function tell(env: Readonly<Record<string, string | undefined>>): World {
  const clock = new ManualClock();
  const failures: string[] = [];
  const manager = new ServiceManager({
    clock,
    env: { PATH: process.env['PATH'], ...env },
    onFailure: (message) => failures.push(message),
  });
  return { clock, failures, manager };
}

/** What was told, without the barrier behind each message. */
function told({ told: messages }: NotifySocket): readonly string[] {
  return messages.filter((message) => message !== 'BARRIER=1');
}

describe('systemd', () => {
  it('is told in order when the daemon serves, reloads and stops', async (context) => {
    needPeers(context, 'systemd-notify');
    await using socket = await listenAsManager();
    const { manager, failures } = tell({ NOTIFY_SOCKET: socket.path });
    manager.ready('Serving https://asia:5000');
    manager.reloading();
    manager.reloaded('as before:\n  the last reload failed');
    manager.stopping(60_000);
    await manager[Symbol.asyncDispose]();
    expect(told(socket)).toEqual([
      'READY=1;STATUS=Serving https://asia:5000',
      expect.stringMatching(/^RELOADING=1;MONOTONIC_USEC=\d+$/),
      'READY=1;STATUS=as before: the last reload failed',
      'STOPPING=1;EXTEND_TIMEOUT_USEC=75000000;STATUS=Draining',
    ]);
    expect(failures).toEqual([]);
  });

  it('hears twice in each of its watchdog periods that the daemon is alive, until it stops', async (context) => {
    needPeers(context, 'systemd-notify');
    await using socket = await listenAsManager();
    const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '60000000', WATCHDOG_PID: String(process.pid) };
    const { clock, manager } = tell(env);
    const signs = (): number => told(socket).filter((message) => message === 'WATCHDOG=1').length;
    await clock.advance(600_000);
    expect(signs()).toBe(0);
    manager.ready('Serving');
    for (const expected of [1, 2, 3]) {
      await expect.poll(signs).toBe(expected);
      await expect.poll(() => clock.sleeping).toBe(1);
      await clock.advance(30_000);
    }
    manager.stopping(0);
    await manager[Symbol.asyncDispose]();
    expect(clock.sleeping).toBe(0);
  });

  it.each([
    ['no watchdog was asked for', {}],
    ['the watchdog is for another process', { WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' }],
  ])('hears nothing of being alive where %s', async (_case, env) => {
    await using socket = await listenAsManager();
    const { clock, manager } = tell({ NOTIFY_SOCKET: socket.path, ...env });
    manager.ready('Serving');
    await clock.advance(600_000);
    await manager[Symbol.asyncDispose]();
    expect(told(socket).filter((message) => message === 'WATCHDOG=1')).toEqual([]);
  });
});

describe('a daemon that systemd did not start', () => {
  it('tells nobody', async () => {
    const { clock, manager, failures } = tell({ NOTIFY_SOCKET: '', WATCHDOG_USEC: '1000', PATH: '' });
    manager.ready('Serving');
    manager.stopping(0);
    await manager[Symbol.asyncDispose]();
    expect([failures, clock.sleeping]).toEqual([[], 0]);
  });
});

describe('a failure to tell', () => {
  it('is told once, and stops nothing', async () => {
    await using socket = await listenAsManager();
    const { manager, failures } = tell({ NOTIFY_SOCKET: socket.path, PATH: '/nonexistent' });
    manager.ready('Serving');
    manager.stopping(0);
    await manager[Symbol.asyncDispose]();
    expect(failures).toEqual([
      'systemd could not be told READY=1: systemd-notify cannot be run: spawn systemd-notify ENOENT',
    ]);
  });

  it('of systemd-notify itself is told with its exit code', async (context) => {
    needPeers(context, 'systemd-notify');
    const { manager, failures } = tell({ NOTIFY_SOCKET: '/nonexistent/socket' });
    manager.ready('Serving');
    await manager[Symbol.asyncDispose]();
    expect(failures).toEqual(['systemd could not be told READY=1: systemd-notify ended with 1']);
  });
});
