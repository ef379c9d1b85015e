import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ControlDaemon, startControlDaemon } from '../../fixtures/control-daemon.ts';
import { freePort } from '../../fixtures/free-port.ts';
import { seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { UserError } from '../user-error.ts';
import { connectControl } from './control-client.ts';
import type { ControlTarget } from './control-target.ts';

const never = new AbortController().signal;

async function failure(work: Promise<unknown>): Promise<UserError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof UserError) return error;
  throw new Error(`no UserError: ${String(error)}`);
}

/** All that a watch gives before it ends. */
async function all(target: ControlTarget, patienceMs = 2000): Promise<number> {
  let seen = 0;
  for await (const snapshot of connectControl(target, { patienceMs }).watch(never, 20)) {
    expect(snapshot.daemon.name).toBe('china');
    seen += 1;
  }
  return seen;
}

test('a snapshot comes whole over a socket and over a port', async () => {
  await using folder = await tempFolder('control');
  const given = seededSnapshot();
  await using onSocket = await startControlDaemon(given, join(folder.path, 'control.sock'));
  await using onPort = await startControlDaemon(given);
  for (const { target, asked } of [onSocket, onPort]) {
    const snapshot = await connectControl(target).snapshot(never);
    expect(snapshot).toEqual(JSON.parse(JSON.stringify(given)));
    expect(asked).toEqual(['/control/v1/snapshot']);
  }
});

test('a watch gives what the daemon pushes, and leaving it closes the connection', async () => {
  let second = 0;
  await using daemon = await ControlDaemon.start({ snapshot: () => seededSnapshot({ second: second++ }) });
  const open: number[] = [];
  for await (const snapshot of connectControl(daemon.target).watch(never, 10)) {
    open.push(snapshot.traffic.openRequests);
    if (open.length === 3) break;
  }
  expect(open).toEqual([14, 15, 16]);
  expect(daemon.asked).toEqual(['/control/v1/watch?interval=10']);
  await expect.poll(() => daemon.watchers).toBe(0);
});

test('a watch ends with the reason of its signal', async () => {
  await using daemon = await startControlDaemon(seededSnapshot());
  const stop = new AbortController();
  const watch = (async () => {
    for await (const _ of connectControl(daemon.target).watch(stop.signal, 60_000))
      stop.abort(new Error('enough'));
  })();
  await expect(watch).rejects.toThrow('enough');
});

test('a daemon that ends while it is watched is told apart from one that was never there', async () => {
  const daemon = await startControlDaemon(seededSnapshot());
  const watching = failure(all(daemon.target));
  await expect.poll(() => daemon.watchers).toBe(1);
  await daemon[Symbol.asyncDispose]();
  expect((await watching).code).toBe('CONTROL_LOST');
  const after = await failure(connectControl(daemon.target).snapshot(never));
  expect([after.code, after.exitCode]).toEqual(['NO_DAEMON', 1]);
  expect(after.message).toContain('ECONNREFUSED');
});

test('a socket that is not there is named', async () => {
  const path = '/nonexistent/regcache/control.sock';
  const error = await failure(connectControl({ kind: 'socket', path }).snapshot(never));
  expect(error.message).toBe(`no regcache answers on ${path} (ENOENT)`);
  expect(error.value).toBe(path);
});

test.skipIf(process.getuid?.() === 0)('a socket of another user says whom to be', async () => {
  await using folder = await tempFolder('control');
  const path = join(folder.path, 'control.sock');
  await using _ = await startControlDaemon(seededSnapshot(), path);
  await chmod(path, 0);
  const error = await failure(connectControl({ kind: 'socket', path }).snapshot(never));
  expect([error.code, error.hint]).toEqual(['CONTROL_DENIED', expect.stringContaining('the user that runs')]);
});

test('a daemon that stops talking is given up', async () => {
  await using daemon = await ControlDaemon.start({
    snapshot: () => seededSnapshot(),
    pushEveryMs: 3_600_000,
  });
  const error = await failure(all(daemon.target, 100));
  expect(error.message).toContain('it was silent for 0.16 s');
});

test.each([
  ['HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 'CONTROL_FOREIGN', 'it answers 404'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi\n', 'CONTROL_FOREIGN', 'is no snapshot'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"version": 1}', 'CONTROL_FOREIGN', 'no good atMs'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"version": 2}', 'CONTROL_VERSION', 'version 2'],
  [
    'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"version": "2\u001B["}',
    'CONTROL_FOREIGN',
    'is no snapshot',
  ],
  ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'CONTROL_LOST', 'answered nothing'],
  ['SSH-2.0-OpenSSH_9.2\r\n', 'CONTROL_FOREIGN', 'is no HTTP'],
])('%j is no daemon of ours', async (answer, code, words) => {
  const port = await freePort();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const error = await failure(
    connectControl({ kind: 'http', url: `http://127.0.0.1:${port}` }).snapshot(never),
  );
  server.close();
  expect([error.code, error.message]).toEqual([code, expect.stringContaining(words)]);
});

test.each([[{}], [[null]], [[{ day: '2026-11-25', namespace: 'a', reads: 1 }]]])(
  '%j is no list of days',
  async (days) => {
    const server = createHttpServer((_request, response) => response.end(JSON.stringify(days)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connectControl({ kind: 'http', url: `http://127.0.0.1:${port}` });
    const error = await failure(client.daily(never, 1));
    server.close();
    expect([error.code, error.message]).toEqual([
      'CONTROL_FOREIGN',
      expect.stringContaining('no list of days'),
    ]);
  },
);
