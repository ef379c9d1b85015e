import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ask } from '../../fixtures/client.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import type { ListenAddress } from './listen.ts';
import { HttpServer } from './server.ts';

const TCP: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 0 };

async function start(listen = TCP, more: { headerSizeBytes?: number } = {}): Promise<HttpServer> {
  return await HttpServer.listen({
    listen,
    tls: undefined,
    headerSizeBytes: 16 * 1024,
    headerTimeMs: 5_000,
    connections: 100,
    ...more,
  });
}

function unending(): AbortSignal {
  return new AbortController().signal;
}

/** Ends a server at once. */
async function end(server: HttpServer): Promise<void> {
  await server.drain(0, new ManualClock(), AbortSignal.abort());
}

describe('drain', () => {
  it('lets a running answer end, takes no new connection, and then closes', async () => {
    const server = await start();
    const running = Promise.withResolvers<ServerResponse>();
    server.serve((_request, response) => {
      response.write('be');
      running.resolve(response);
    });
    const answer = await ask(server.url);
    const response = await running.promise;
    const clock = new ManualClock();
    const drained = server.drain(5_000, clock, unending());
    expect(server.openRequests).toBe(1);
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await clock.advance(4_000);
    const closed = once(response, 'close');
    response.end('gun');
    expect((await answer.bytes()).toString()).toBe('begun');
    await closed;
    await clock.advance(100);
    await drained;
    expect(server.openRequests).toBe(0);
  });

  it('cuts what is left when its time is over', async () => {
    const server = await start();
    server.serve((_request, response) => void response.write('be'));
    const answer = await ask(server.url);
    const clock = new ManualClock();
    const drained = server.drain(5_000, clock, unending());
    await clock.advance(5_000);
    await drained;
    expect((await answer.drain()).complete).toBe(false);
  });

  it('cuts at once when its signal aborts', async () => {
    const server = await start();
    server.serve((_request, response) => void response.write('be'));
    const answer = await ask(server.url);
    const hurry = new AbortController();
    const drained = server.drain(60_000, new ManualClock(), hurry.signal);
    hurry.abort();
    await drained;
    expect((await answer.drain()).complete).toBe(false);
  });

  it('closes kept connections that carry nothing', async () => {
    const server = await start();
    server.serve((_request, response) => response.end());
    const socket = connect(server.port ?? 0, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await server.drain(5_000, new ManualClock(), unending());
    expect(await closed).toEqual([false]);
  });
});

describe('listening', () => {
  it('names an address that is in use', async () => {
    const server = await start();
    const again = start({ kind: 'tcp', host: '127.0.0.1', port: server.port ?? 0 });
    await expect(again).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      value: `127.0.0.1:${server.port}`,
      exitCode: 2,
    });
    await end(server);
  });

  it('names an address that this machine has not', async () => {
    await expect(start({ kind: 'tcp', host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      code: 'ADDRESS_UNUSABLE',
      message: expect.stringContaining('no such address') as string,
    });
  });

  it('puts an IPv6 address into brackets, and a server without a host on every address', async () => {
    const local = await start({ kind: 'tcp', host: '::1', port: 0 });
    expect(local.url).toBe(`http://[::1]:${local.port}`);
    const all = await start({ kind: 'tcp', host: undefined, port: 0 });
    expect(all.url).toBe(`http://0.0.0.0:${all.port}`);
    await Promise.all([end(local), end(all)]);
  });

  it('refuses a head that is larger than allowed, and goes on', async () => {
    const server = await start(TCP, { headerSizeBytes: 4096 });
    server.serve((_request, response) => response.end());
    expect((await ask(server.url, { headers: { x: 'y'.repeat(5000) } })).status).toBe(431);
    expect((await ask(server.url)).status).toBe(200);
    await end(server);
  });
});

describe('a socket file', () => {
  it('is served on, and removed at the end', async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, 'regcache.sock');
    const server = await start({ kind: 'unix', path });
    expect(server.url).toBe(`unix://${path}`);
    server.serve((_request, response) => response.end('ok'));
    expect(await firstLine(path)).toBe('HTTP/1.1 200 OK');
    await end(server);
    expect(existsSync(path)).toBe(false);
  });

  it('that a killed process has left behind is replaced', async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, 'left.sock');
    await leaveSocketFile(path);
    const server = await start({ kind: 'unix', path });
    server.serve((_request, response) => response.end('ok'));
    expect(await firstLine(path)).toBe('HTTP/1.1 200 OK');
    await end(server);
  });

  it('that somebody serves on, or that is no socket, is left alone', async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, 'used.sock');
    const server = await start({ kind: 'unix', path });
    await expect(start({ kind: 'unix', path })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
      value: path,
    });
    await end(server);
    const file = join(folder.path, 'notes.txt');
    await writeFile(file, 'mine');
    await expect(start({ kind: 'unix', path: file })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    expect(existsSync(file)).toBe(true);
  });
});

async function firstLine(path: string): Promise<string> {
  const socket = connect(path);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const [bytes] = await once(socket, 'data');
  socket.destroy();
  return String(bytes).split('\r\n', 1)[0] ?? '';
}

/** Leaves a bound socket file without anybody behind it: closing removes only the name it was bound to. */
async function leaveSocketFile(path: string): Promise<void> {
  const server = createTcpServer().listen(`${path}.bound`);
  await once(server, 'listening');
  await rename(`${path}.bound`, path);
  server.close();
  await once(server, 'close');
}
