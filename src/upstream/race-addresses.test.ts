import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { says } from '../../fixtures/behaviour.ts';
import { freePort } from '../../fixtures/free-port.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { unending } from '../../fixtures/test-upstream.ts';
import { connectToFirst } from './race-addresses.ts';
import { Transport } from './transport.ts';
import { loadTrust } from './trust.ts';

const V6: LookupAddress = { address: '::1', family: 6 };
const V4: LookupAddress = { address: '127.0.0.1', family: 4 };
/** A listener whose thread sleeps until it is woken: the kernel takes two connections for it, and no more. */
const SLEEPER = `
  const { parentPort, workerData } = require('node:worker_threads');
  const server = require('node:net').createServer((socket) => socket.on('error', () => undefined));
  server.listen({ host: '::1', port: workerData.port, backlog: 1 }, () => {
    parentPort.postMessage('listening');
    setImmediate(() => Atomics.wait(workerData.asleep, 0, 0));
  });
`;

const disposables: (() => unknown)[] = [];
afterEach(async () => {
  for (const dispose of disposables.splice(0)) await dispose();
});

/** A black hole at `[::1]`. @returns what opens it */
async function startBlackHole(port: number): Promise<() => void> {
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SLEEPER, { eval: true, workerData: { port, asleep } });
  disposables.push(async () => worker.terminate());
  await once(worker, 'message');
  for (let index = 0; index < 2; index += 1) {
    const filling = connect({ host: '::1', port }).on('error', () => undefined);
    disposables.push(() => filling.destroy());
    await once(filling, 'connect');
  }
  return () => {
    Atomics.store(asleep, 0, 1);
    Atomics.notify(asleep, 0);
  };
}

async function listenAt(host: string, port = 0): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    disposables.push(() => socket.destroy());
  });
  disposables.unshift(() => server.close());
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

async function dial(port: number, addresses: readonly LookupAddress[], signal = unending()): Promise<Socket> {
  const lookup = async (): Promise<readonly LookupAddress[]> => await Promise.resolve(addresses);
  const socket = await connectToFirst({ host: 'upstream.test', port, lookup }, signal);
  disposables.push(() => socket.destroy());
  return socket;
}

describe('connectToFirst', () => {
  it('takes the first address that it is given where all answer', async () => {
    const { port } = await listenAt('127.0.0.1');
    await listenAt('::1', port);
    expect((await dial(port, [V6, V4])).remoteAddress).toBe('::1');
    expect((await dial(port, [V4, V6])).remoteAddress).toBe('127.0.0.1');
  });

  it('does not wait for an address that swallows everything', async () => {
    const { port } = await listenAt('127.0.0.1');
    await startBlackHole(port);
    expect((await dial(port, [V6, V4])).remoteAddress).toBe('127.0.0.1');
  });

  it('tries the other family second, however many addresses the first has', async () => {
    const { port } = await listenAt('127.0.0.1');
    await startBlackHole(port);
    const many = Array.from({ length: 200 }, () => V6);
    expect((await dial(port, [...many, V4])).remoteAddress).toBe('127.0.0.1');
  });

  it('goes on with a slow address while it tries the next', async () => {
    const port = await freePort();
    const open = await startBlackHole(port);
    const dialling = dial(port, [V6, V4]);
    // The first SYN is lost, its repetition is not: by then the second address has refused.
    for (let index = 0; index < 5; index += 1) await turn();
    open();
    expect((await dialling).remoteAddress).toBe('::1');
  });

  it('goes to the next address at once where one refuses, and fails by the first where all do', async () => {
    const { port } = await listenAt('127.0.0.1');
    expect((await dial(port, [V6, V4])).remoteAddress).toBe('127.0.0.1');
    await expect(dial(await freePort(), [V6, V4])).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      address: '::1',
    });
    await expect(dial(port, [])).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('leaves no connection behind but the one that it gives', async () => {
    const { server, port } = await listenAt('::1');
    const counted: Socket[] = [];
    server.on('connection', (socket) => counted.push(socket));
    const other = await listenAt('127.0.0.1', port);
    other.server.on('connection', (socket) => counted.push(socket));
    const socket = await dial(port, [V6, V4, V6, V4]);
    socket.end();
    await expect.poll(() => counted.filter(({ destroyed }) => !destroyed).length).toBe(0);
    expect(counted).toHaveLength(1);
  });

  it('gives up when it is told to', async () => {
    const port = await freePort();
    await startBlackHole(port);
    const leaving = new AbortController();
    const dialling = dial(port, [V6], leaving.signal);
    leaving.abort(new Error('too late'));
    await expect(dialling).rejects.toThrow('too late');
    await expect(dial(port, [V4], leaving.signal)).rejects.toThrow('too late');
  });
});

it('lets a transport reach an upstream whose IPv6 address swallows everything', async () => {
  await using upstream = await startScriptedUpstream();
  upstream.on('GET', '/', says(200, {}, 'hello'));
  await startBlackHole(upstream.port);
  const trust = await loadTrust({ caFiles: [], clientCertificate: undefined });
  const lookup = async (): Promise<readonly LookupAddress[]> => await Promise.resolve([V6, V4]);
  const limits = { connectTimeoutMs: 10_000, idleTimeoutMs: 10_000, connections: 1 };
  await using transport = new Transport({ trust, lookup, ...limits });
  const url = new URL(upstream.url.replace('127.0.0.1', 'upstream.test'));
  const request = { method: 'GET', url, headers: {}, headersTimeoutMs: 10_000, lane: 'talk' } as const;
  expect((await transport.send(request, unending())).status).toBe(200);
});
