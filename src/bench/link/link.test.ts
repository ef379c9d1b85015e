import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { seededContent } from '../image/content.ts';
import { settled } from '../../../fixtures/settled.ts';
import type { LinkOptions } from './link-options.ts';
import { type Link, startLink } from './link.ts';

const CONTENT = seededContent('link', 2_000_000);
const BYTES = CONTENT.read(0, CONTENT.sizeBytes);
const WAIT_MS = 20_000;

interface FarEnd extends AsyncDisposable {
  readonly port: number;
  readonly sockets: readonly Socket[];
  /** Resolves with the next connection. */
  accepted(): Promise<Socket>;
}

async function startFarEnd(serve: (socket: Socket) => void = () => undefined): Promise<FarEnd> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    sockets,
    accepted: async () => {
      const [socket]: Socket[] = await once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) });
      if (socket === undefined) throw new Error('no connection');
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function linkTo(farEnd: FarEnd, options: Partial<LinkOptions> = {}): Promise<Link> {
  const to = { host: '127.0.0.1', port: farEnd.port };
  return await startLink({ to, roundTripMs: 2, rateBitsPerSecond: 1e9, ...options });
}

/** What a client gets, and how it ends. */
interface Client extends Disposable {
  readonly socket: Socket;
  readonly receivedBytes: number;
  readonly ended: Promise<{ readonly bytes: Buffer; readonly how: 'fin' | 'reset' }>;
}

function dial(link: Link): Client {
  const socket = connect({ host: link.host, port: link.port, allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on('data', (piece) => pieces.push(piece));
  const end = Promise.withResolvers<'fin' | 'reset'>();
  socket.on('end', () => end.resolve('fin'));
  socket.on('error', () => end.resolve('reset'));
  const late = setTimeout(() => end.reject(new Error('no end came in time')), WAIT_MS);
  void end.promise.catch(() => undefined).finally(() => clearTimeout(late));
  return {
    socket,
    get receivedBytes() {
      return pieces.reduce((total, { length }) => total + length, 0);
    },
    ended: end.promise.then((how) => ({ bytes: Buffer.concat(pieces), how })),
    [Symbol.dispose]: () => {
      clearTimeout(late);
      socket.destroy();
    },
  };
}

/** Whether a socket was closed by an error. */
async function closed(socket: Socket): Promise<boolean> {
  return await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

function echo(socket: Socket): void {
  socket.on('data', (piece) => socket.write(piece));
  socket.on('end', () => socket.end());
}

function sendAll(socket: Socket): void {
  socket.end(BYTES);
}

describe('Link', () => {
  it('brings every byte both ways on many connections', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd, { jitterMs: 2, lossRatio: 0.0001 });
    const clients = Array.from({ length: 8 }, () => dial(link));
    for (const { socket } of clients) socket.end(BYTES);
    for (const { ended } of clients) expect((await ended).bytes.equals(BYTES)).toBe(true);
    for (const client of clients) client[Symbol.dispose]();
    expect(link.stats).toMatchObject({ opened: 8, peak: 8 });
    expect(
      link.stats.connections.map(({ id, toServerBytes, toClientBytes }) => [
        id,
        toServerBytes,
        toClientBytes,
      ]),
    ).toEqual(Array.from({ length: 8 }, (_, index) => [index + 1, BYTES.length, BYTES.length]));
  });

  it('passes a half-open end on, each way by itself', async () => {
    await using farEnd = await startFarEnd();
    await using link = await linkTo(farEnd);
    using client = dial(link);
    client.socket.end('request');
    const server = await farEnd.accepted();
    expect(await text(server)).toBe('request');
    server.end('answer');
    expect(await client.ended).toEqual({ bytes: Buffer.from('answer'), how: 'fin' });
    await expect.poll(() => link.stats.openNow).toBe(0);
    expect(link.stats.connections).toMatchObject([{ isOpen: false, toServerBytes: 7, toClientBytes: 6 }]);
  });

  it('passes a reset on as a reset, each way', async () => {
    await using farEnd = await startFarEnd();
    await using link = await linkTo(farEnd);
    using first = dial(link);
    (await farEnd.accepted()).resetAndDestroy();
    expect((await first.ended).how).toBe('reset');
    using second = dial(link);
    const server = await farEnd.accepted();
    server.resume();
    const failed = closed(server);
    second.socket.resetAndDestroy();
    expect(await failed).toBe(true);
  });

  it('resets a client whose far end refuses', async () => {
    const farEnd = await startFarEnd();
    await using link = await linkTo(farEnd);
    await farEnd[Symbol.asyncDispose]();
    using client = dial(link);
    expect(await client.ended).toEqual({ bytes: Buffer.alloc(0), how: 'reset' });
  });

  it('stops a sender whose receiver does not read, and loses nothing of it', async () => {
    let sent = 0;
    const total = 64;
    await using farEnd = await startFarEnd((socket) => {
      const piece = Buffer.alloc(1024 * 1024, 5);
      const more = (): void => {
        while (sent < total && socket.write(piece)) sent += 1;
        if (sent < total) sent += 1;
        else socket.end();
      };
      socket.on('drain', more);
      more();
    });
    await using link = await linkTo(farEnd);
    using client = dial(link);
    client.socket.pause();
    const stoppedAt = await settled(() => sent);
    expect(stoppedAt).toBeLessThan(total / 2);
    client.socket.resume();
    expect((await client.ended).bytes.length).toBe(total * 1024 * 1024);
  });

  it.each(['fin', 'reset'] as const)('cuts every connection now, by a %s, at both ends', async (how) => {
    await using farEnd = await startFarEnd();
    await using link = await linkTo(farEnd);
    using first = dial(link);
    await farEnd.accepted();
    using second = dial(link);
    const server = await farEnd.accepted();
    const ended = how === 'fin' ? once(server, 'end') : closed(server);
    server.resume();
    link.cut({ how });
    expect([(await first.ended).how, (await second.ended).how]).toEqual([how, how]);
    await ended;
  });

  it('cuts one connection and leaves the others', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd);
    using first = dial(link);
    await farEnd.accepted();
    using second = dial(link);
    await farEnd.accepted();
    link.cut({ connection: 1 });
    expect((await first.ended).how).toBe('reset');
    second.socket.end('still here');
    expect((await second.ended).bytes.toString()).toBe('still here');
  });

  it('cuts each connection behind so many bytes, until that is called off', async () => {
    await using farEnd = await startFarEnd(sendAll);
    await using link = await linkTo(farEnd);
    const cut = link.cut({ afterBytes: 100_001, how: 'fin' });
    for (let round = 0; round < 2; round += 1) {
      using client = dial(link);
      expect((await client.ended).bytes.equals(BYTES.subarray(0, 100_001))).toBe(true);
    }
    cut[Symbol.dispose]();
    using whole = dial(link);
    expect((await whole.ended).bytes.equals(BYTES)).toBe(true);
  });

  it('cuts by a reset behind so many bytes to the server', async () => {
    await using farEnd = await startFarEnd((socket) => socket.resume());
    await using link = await linkTo(farEnd);
    link.cut({ afterBytes: 50_000, towards: 'server' });
    using client = dial(link);
    client.socket.write(BYTES);
    expect((await client.ended).how).toBe('reset');
    expect(link.stats.connections[0]?.toServerBytes).toBe(50_000);
  });

  it('swallows everything in a black hole, and serves new connections behind it', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd);
    using lost = dial(link);
    lost.socket.write('a');
    await once(lost.socket, 'data');
    link.blackHole(true);
    using born = dial(link);
    for (const { socket } of [lost, born]) socket.end('lost');
    await settled(() => link.stats.opened);
    link.blackHole(false);
    using well = dial(link);
    well.socket.end('well');
    expect((await well.ended).bytes.toString()).toBe('well');
    expect([lost.receivedBytes, born.receivedBytes]).toEqual([1, 0]);
    expect([lost.socket.readableEnded, born.socket.readableEnded]).toEqual([false, false]);
  });

  it('swallows one direction only, where it is told so', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd);
    link.blackHole(true, 'client');
    using client = dial(link);
    client.socket.end('request');
    await once(await farEnd.accepted(), 'end', { signal: AbortSignal.timeout(WAIT_MS) });
    expect(link.stats.connections).toMatchObject([{ toServerBytes: 7, toClientBytes: 0, isOpen: true }]);
  });

  it('accepts new connections without an answer where they are dropped', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd);
    using old = dial(link);
    await farEnd.accepted();
    link.dropNew(true);
    using dropped = dial(link);
    await once(dropped.socket, 'connect');
    dropped.socket.write('anybody?');
    old.socket.end('old');
    expect((await old.ended).bytes.toString()).toBe('old');
    link.dropNew(false);
    using next = dial(link);
    next.socket.end('next');
    expect((await next.ended).bytes.toString()).toBe('next');
    expect(dropped.receivedBytes).toBe(0);
    expect(farEnd.sockets).toHaveLength(2);
  });

  it('refuses new connections and serves those that are open', async () => {
    await using farEnd = await startFarEnd(echo);
    await using link = await linkTo(farEnd);
    using old = dial(link);
    await farEnd.accepted();
    await link.refuse(true);
    const refused = connect({ host: link.host, port: link.port });
    await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    old.socket.end('old');
    expect((await old.ended).bytes.toString()).toBe('old');
    await link.refuse(false);
    using next = dial(link);
    next.socket.end('next');
    expect((await next.ended).bytes.toString()).toBe('next');
  });

  it('knows what its connections may carry', async () => {
    await using farEnd = await startFarEnd();
    await using link = await linkTo(farEnd, { rateBitsPerSecond: 100e6, connectionRateBitsPerSecond: 15e6 });
    expect([1, 4, 8].map((count) => link.allowedBitsPerSecond(count))).toEqual([15e6, 60e6, 100e6]);
    expect(link.url('https')).toBe(`https://127.0.0.1:${link.port}`);
  });

  it('closes everything when it is disposed of', async () => {
    await using farEnd = await startFarEnd(sendAll);
    const link = await linkTo(farEnd, { rateBitsPerSecond: 1e6 });
    using client = dial(link);
    const server = await farEnd.accepted();
    const gone = closed(server);
    await link[Symbol.asyncDispose]();
    expect((await client.ended).how).toBe('reset');
    expect(await gone).toBe(true);
  });
});
