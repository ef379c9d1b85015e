import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Link, startLink } from '../link/link.ts';
import { median } from '../statistics/summary.ts';
import type { LinkReport } from '../result.ts';
import type { Stretch } from './geography.ts';

/** Short ones are measured more often: what a busy machine adds weighs more there. */
const ROUND_TRIPS_MS = 500;
const LEAST_ROUND_TRIPS = 3;
const MOST_ROUND_TRIPS = 50;
/** Long enough that half of it is free of the slow start. */
const STREAM_MS = 1_500;
const STREAM_ROUND_TRIPS = 16;
const CHUNK = Buffer.alloc(64 * 1024);

/**
 * Sends bytes there and back over links like these, one link after the other, so that none disturbs another; and then as
 * much as one connection takes, over all at once.
 */
export async function measureLinks(
  stretches: readonly Stretch[],
  signal: AbortSignal,
): Promise<readonly LinkReport[]> {
  await using server = await startFarEnd();
  const measured: { report: Omit<LinkReport, 'measuredConnectionBitsPerSecond'>; link: Link }[] = [];
  await using open = new AsyncDisposableStack();
  for (const { name, figures } of stretches) {
    const link = open.use(await startLink({ to: { host: '127.0.0.1', port: server.port }, ...figures }));
    const measuredRoundTripMs = await measureRoundTrip(link, figures.roundTripMs, signal);
    const connectionBitsPerSecond = link.allowedBitsPerSecond(1);
    measured.push({ report: { name, ...figures, connectionBitsPerSecond, measuredRoundTripMs }, link });
  }
  return await Promise.all(
    measured.map(async ({ report, link }) => ({
      ...report,
      measuredConnectionBitsPerSecond: await bitsPerSecond(link, report.roundTripMs, signal),
    })),
  );
}

/** Sends back what it gets, or as much as it can. */
async function startFarEnd(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      socket.write(first);
      if (first[0] === STREAM) void pour(socket);
      else socket.on('data', (more) => socket.write(more));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

const ECHO = 0;
const STREAM = 1;

async function pour(socket: Socket): Promise<void> {
  while (!socket.destroyed) {
    if (!socket.write(CHUNK)) await once(socket, 'drain').catch(() => socket.destroy());
  }
}

async function open(link: Link, kind: number, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: link.host, port: link.port, noDelay: true });
  signal.addEventListener('abort', () => socket.destroy(new Error('interrupted')), { once: true });
  await once(socket, 'connect', { signal });
  socket.write(Buffer.of(kind));
  await once(socket, 'data', { signal });
  return socket;
}

async function measureRoundTrip(link: Link, roundTripMs: number, signal: AbortSignal): Promise<number> {
  const wanted = Math.round(ROUND_TRIPS_MS / Math.max(1, roundTripMs));
  const trips = Math.min(MOST_ROUND_TRIPS, Math.max(LEAST_ROUND_TRIPS, wanted));
  const socket = await open(link, ECHO, signal);
  const times: number[] = [];
  for (let trip = 0; trip < trips; trip += 1) {
    const startedMs = performance.now();
    socket.write(Buffer.of(ECHO));
    await once(socket, 'data', { signal });
    times.push(performance.now() - startedMs);
  }
  socket.destroy();
  return median(times);
}

/** Of the second half of a stream: the first one holds the slow start. */
async function bitsPerSecond(link: Link, roundTripMs: number, signal: AbortSignal): Promise<number> {
  const socket = await open(link, STREAM, signal);
  const halfMs = Math.max(STREAM_MS, STREAM_ROUND_TRIPS * roundTripMs) / 2;
  const startedMs = performance.now();
  let fromMs = 0;
  let bytes = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    const nowMs = performance.now();
    if (fromMs > 0) bytes += chunk.length;
    else if (nowMs - startedMs >= halfMs) fromMs = nowMs;
    if (nowMs - startedMs >= 2 * halfMs) {
      socket.destroy();
      return (bytes * 8) / ((nowMs - fromMs) / 1000);
    }
  }
  return 0;
}
