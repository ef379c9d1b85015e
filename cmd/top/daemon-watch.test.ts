import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ControlDaemon, startControlDaemon } from '../../fixtures/control-daemon.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { connectControl } from '../../src/control/control-client.ts';
import { DaemonWatch, type SnapshotSource } from './daemon-watch.ts';
import { WatchedDaemons } from './watched-daemons.ts';

function sourceOn(path: string, name?: string): SnapshotSource {
  const client = connectControl({ kind: 'socket', path });
  return { name, place: path, watch: (signal) => client.watch(signal, 20) };
}

test('a daemon is waited for, watched, lost and found again', async () => {
  await using folder = await tempFolder('watch');
  const path = join(folder.path, 'control.sock');
  const clock = new ManualClock();
  const stop = new AbortController();
  const watch = new DaemonWatch({ source: sourceOn(path), clock, onChange: () => undefined });
  expect(watch.state).toMatchObject({ kind: 'waiting', name: path, problem: undefined });
  const running = watch.run(stop.signal);

  await expect.poll(() => clock.sleeping).toBe(1);
  expect(watch.state).toMatchObject({
    kind: 'waiting',
    problem: { message: expect.stringContaining('ENOENT') },
  });
  const sinceMs = clock.now();
  await clock.advance(1000);
  await expect.poll(() => clock.sleeping).toBe(1);
  // Still waiting, since the same moment, and it says so again.
  expect(watch.state).toMatchObject({ kind: 'waiting', sinceMs, atMs: sinceMs + 1000 });

  const daemon = await startControlDaemon(seededSnapshot(), path);
  await clock.advance(1000);
  await expect.poll(() => watch.state.kind).toBe('live');
  expect(watch.state.name).toBe('china');
  await daemon[Symbol.asyncDispose]();
  await expect.poll(() => watch.state.kind).toBe('gone');
  // What it told last stays to be looked at.
  expect(watch.state).toMatchObject({ name: 'china', snapshot: { daemon: { pid: 4711 } } });
  const goneMs = clock.now();
  await expect.poll(() => clock.sleeping).toBe(1);
  await clock.advance(1000);
  await expect.poll(() => clock.sleeping).toBe(1);
  expect(watch.state).toMatchObject({ kind: 'gone', sinceMs: goneMs, atMs: goneMs + 1000 });

  await using back = await startControlDaemon(seededSnapshot({ second: 9 }), path);
  await clock.advance(1000);
  await expect.poll(() => watch.state.kind).toBe('live');
  stop.abort();
  await running;
  await expect.poll(() => back.watchers).toBe(0);
});

test('a fault of the program ends the watching and is told', async () => {
  const fault = new TypeError('undefined is not a function');
  const source: SnapshotSource = {
    name: undefined,
    place: 'nowhere',
    // oxlint-disable-next-line require-yield -- it fails before there is anything
    watch: async function* watch() {
      throw fault;
    },
  };
  await using daemons = new WatchedDaemons([source], new ManualClock());
  await expect(daemons.failed()).rejects.toBe(fault);
});

test('however often daemons change, it is told five times a second', async () => {
  await using folder = await tempFolder('watch');
  const paths = ['china', 'asia'].map((name) => join(folder.path, `${name}.sock`));
  let second = 0;
  const start = async (socketPath: string): Promise<ControlDaemon> =>
    await ControlDaemon.start({
      socketPath,
      snapshot: () => seededSnapshot({ second: second++ }),
      pushEveryMs: 3_600_000,
    });
  await using china = await start(paths[0] ?? '');
  await using asia = await start(paths[1] ?? '');
  const clock = new ManualClock();
  await using daemons = new WatchedDaemons(
    paths.map((path, index) => sourceOn(path, `daemon-${index}`)),
    clock,
  );
  let told = 0;
  const unsubscribe = daemons.subscribe(() => {
    told += 1;
  });
  await expect.poll(() => china.watchers + asia.watchers).toBe(2);
  await clock.advance(200);
  await expect.poll(() => daemons.states().every(({ kind }) => kind === 'live')).toBe(true);
  const [before, states] = [told, daemons.states()];
  for (let index = 0; index < 20; index += 1) {
    china.push();
    asia.push();
  }
  await expect.poll(() => clock.sleeping).toBe(1);
  // The same list until it is told: whoever draws it again would draw the same.
  expect([told, daemons.states()]).toEqual([before, states]);
  await clock.advance(200);
  expect(told).toBe(before + 1);
  expect(daemons.states()).not.toBe(states);
  unsubscribe();
  china.push();
  await clock.advance(1000);
  expect(told).toBe(before + 1);
});
