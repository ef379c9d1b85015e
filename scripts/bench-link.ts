/**
 * The link shaper by its own measure: asked and measured round trip and throughput, and what it costs. Both ends run
 * in a process of their own. `npm run bench:link`
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type LinkOptions } from '../src/bench/link/link-options.ts';
import { startLink } from '../src/bench/link/link.ts';
import type { PeerResult, PeerTask } from './bench-link-peer.ts';

const PINGS = 15;
const MBIT = 1e6;
const WARM_UP_MS = 1500;
const FOR_MS = 3000;

type Shape = Omit<LinkOptions, 'to'>;

const ROUND_TRIPS_MS: readonly number[] = [2, 10, 20, 50, 200];

const FLOWS: readonly (readonly [connections: number, Shape])[] = [
  [1, { roundTripMs: 20, rateBitsPerSecond: MBIT }],
  [1, { roundTripMs: 20, rateBitsPerSecond: 100 * MBIT }],
  [1, { roundTripMs: 200, rateBitsPerSecond: 100 * MBIT }],
  [8, { roundTripMs: 200, rateBitsPerSecond: 100 * MBIT }],
  [1, { roundTripMs: 200, rateBitsPerSecond: 100 * MBIT, lossRatio: 0.01 }],
  [8, { roundTripMs: 200, rateBitsPerSecond: 100 * MBIT, lossRatio: 0.01 }],
  [8, { roundTripMs: 200, rateBitsPerSecond: 100 * MBIT, lossRatio: 0.001 }],
  [8, { roundTripMs: 50, rateBitsPerSecond: 100 * MBIT, connectionRateBitsPerSecond: 10 * MBIT }],
  [8, { roundTripMs: 50, rateBitsPerSecond: 100 * MBIT, jitterMs: 10 }],
  [1, { roundTripMs: 0, rateBitsPerSecond: 1000 * MBIT }],
  [1, { roundTripMs: 20, rateBitsPerSecond: 1000 * MBIT }],
  [64, { roundTripMs: 20, rateBitsPerSecond: 1000 * MBIT }],
];

const peer = fork(join(import.meta.dirname, 'bench-link-peer.ts'));
const to = { host: '127.0.0.1', port: Number(await answerOf(peer)) };

console.log('round trip, ms                asked  kept connection  new connection / 2');
for (const roundTripMs of ROUND_TRIPS_MS) {
  await using link = await startLink({ to, roundTripMs, rateBitsPerSecond: 1000 * MBIT });
  const [kept, fresh] = [await ping(link.port, true), await ping(link.port, false)];
  const cells = [roundTripMs.toFixed(1), beside(kept, roundTripMs), beside(fresh / 2, roundTripMs)];
  console.log(cells[0]?.padStart(35), cells[1]?.padStart(16), cells[2]?.padStart(19));
}

console.log('\nthroughput, Mbit/s            asked         measured       CPU-s/GB');
for (const [connections, shape] of FLOWS) {
  await using link = await startLink({ to, ...shape });
  const asked = link.allowedBitsPerSecond(connections);
  const before = process.cpuUsage();
  const [rate = 0] = await ask({
    kind: 'flows',
    port: link.port,
    connections,
    warmUpMs: WARM_UP_MS,
    forMs: FOR_MS,
  });
  const { user, system } = process.cpuUsage(before);
  const bytes = link.stats.connections.reduce((total, { toClientBytes }) => total + toClientBytes, 0);
  const cost = (user + system) / 1e6 / (bytes / 1e9);
  const cells = [(asked / MBIT).toFixed(2), beside(rate / MBIT, asked / MBIT), cost.toFixed(2)];
  console.log(nameOf(connections, shape));
  console.log(cells[0]?.padStart(35), cells[1]?.padStart(16), cells[2]?.padStart(14));
}
peer.disconnect();
peer.kill();

async function ping(port: number, kept: boolean): Promise<number> {
  const times = await ask({ kind: 'pings', port, count: PINGS, kept });
  return times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] ?? 0;
}

async function ask(task: PeerTask): Promise<PeerResult> {
  peer.send(task);
  const result = await answerOf(peer);
  return Array.isArray(result) ? result : [];
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer]: unknown[] = await once(child, 'message');
  return answer;
}

function beside(measured: number, asked: number): string {
  const differs = (measured / asked - 1) * 100;
  return `${measured.toFixed(2)} ${differs < 0 ? '−' : '+'}${Math.abs(differs).toFixed(1)} %`;
}

function nameOf(connections: number, shape: Shape): string {
  const { roundTripMs, rateBitsPerSecond, lossRatio, jitterMs, connectionRateBitsPerSecond: each } = shape;
  const words = [
    `${connections} × ${roundTripMs} ms`,
    `${rateBitsPerSecond / MBIT} Mbit/s`,
    ...(lossRatio === undefined ? [] : [`${lossRatio * 100} % lost`]),
    ...(jitterMs === undefined ? [] : [`${jitterMs} ms jitter`]),
    ...(each === undefined ? [] : [`${each / MBIT} Mbit/s each`]),
  ];
  return words.join(', ');
}
