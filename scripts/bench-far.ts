/**
 * One cold blob over a long link, through regcache and through Debian's docker-registry in the same run; and what each
 * hop adds to the first byte. Needs docker-registry. `npm run bench:far`
 */
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { startLink } from '../src/bench/link/link.ts';
import { ask } from '../fixtures/client.ts';
import { bytesContent, seededContent } from '../src/bench/image/content.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { startDistributionCache, startOwnCache } from '../fixtures/far-peers.ts';

const BLOB_BYTES = 256 * 1024 * 1024;
const MEGABIT = 1e6;
const LINK = {
  roundTripMs: 200,
  connectionRateBitsPerSecond: 20 * MEGABIT,
  rateBitsPerSecond: 200 * MEGABIT,
} as const;

const KEPT = new Agent({ keepAlive: true });

await using origin = await startEmbeddedOrigin();
const address = { host: '127.0.0.1', port: Number(new URL(origin.url).port) };
const path = origin.addBlob('lib/far', bytesContent(seededContent('far', BLOB_BYTES).read(0, BLOB_BYTES)));

console.log('256 MiB over 200 ms, 20 Mbit/s a connection, 200 Mbit/s in all');
const allowedS = await allowed(4);
const seconds: Record<string, number> = {};
for (const [name, start] of Object.entries({
  'docker-registry': startDistributionCache,
  regcache: startOwnCache,
})) {
  await using link = await startLink({ to: address, ...LINK });
  await using cache = await start(link.url('http'));
  const before = origin.requests.length;
  const tookS = await timed(async () => pull(`${cache.url}${path}`));
  seconds[name] = tookS;
  const blobs = link.stats.connections.filter(({ toClientBytes }) => toClientBytes > 1e6);
  const upstreamBytes = blobs.reduce((sum, { toClientBytes }) => sum + toClientBytes, 0);
  console.log(
    [
      `  ${name.padEnd(16)} ${tookS.toFixed(1)} s`,
      `${blobs.length} connections with blobs`,
      `${origin.requests.length - before} requests`,
      `${(upstreamBytes / BLOB_BYTES).toFixed(3)} of its bytes came over the link`,
    ].join(' · '),
  );
}
const ratio = (seconds['docker-registry'] ?? 0) / (seconds['regcache'] ?? 1);
console.log(`  regcache is ${ratio.toFixed(2)} times as fast (at least 3 wanted)`);
console.log(
  `  and takes ${((seconds['regcache'] ?? 0) / allowedS).toFixed(2)} of what the link allows (at most 1.15 wanted)`,
);

console.log('\nWhat a hop adds to the first byte of a cold blob, connections kept');
for (const roundTripMs of [5, 80, 150]) {
  await using link = await startLink({ to: address, roundTripMs, rateBitsPerSecond: 200 * MEGABIT });
  await using cache = await startOwnCache(link.url('http'));
  const added: number[] = [];
  const own: number[] = [];
  for (let round = 0; round < 24; round += 1) {
    const blob = origin.addBlob('lib/far', seededContent(`first ${roundTripMs} ${round}`, 20_000));
    const through = await firstByteMs(`${cache.url}${blob}`);
    const overLink = await firstByteMs(`${link.url('http')}${blob}`);
    const direct = await firstByteMs(`${origin.url}${blob}`);
    // The first ones open connections.
    if (round < 4) continue;
    added.push(through - overLink);
    own.push(overLink - direct);
  }
  console.log(
    `  ${String(roundTripMs).padStart(3)} ms link, whose round trip is ${median(own).toFixed(1)} ms: that and ${median(added).toFixed(1)} ms (medians of ${added.length}; at most 5 wanted)`,
  );
}

/** Seconds that so many connections need which do nothing else from the start: a part of the blob each. */
async function allowed(connections: number): Promise<number> {
  await using link = await startLink({ to: address, ...LINK });
  const part = Math.ceil(BLOB_BYTES / connections);
  const tookS = await timed(async () => {
    await Promise.all(
      Array.from({ length: connections }, async (_, index) => {
        const range = `bytes=${index * part}-${Math.min(BLOB_BYTES, (index + 1) * part) - 1}`;
        const answer = await ask(`${link.url('http')}${path}`, { headers: { range } });
        const { complete } = await answer.drain();
        if (answer.status !== 206 || !complete) throw new Error(`a part was answered ${answer.status}`);
      }),
    );
  });
  const rateS = (BLOB_BYTES * 8) / link.allowedBitsPerSecond(connections);
  console.log(
    `  the link alone   ${tookS.toFixed(1)} s over ${connections} connections from the start, slow start included (${rateS.toFixed(1)} s by its rate)`,
  );
  return tookS;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

async function pull(url: string): Promise<void> {
  const answer = await ask(url);
  const { complete } = await answer.drain();
  if (answer.status !== 200 || !complete) throw new Error(`${url} answered ${answer.status}`);
}

/** Over a connection that is kept, as all later ones of a client are. */
async function firstByteMs(url: string): Promise<number> {
  const startedMs = performance.now();
  const [answer] = (await once(get(url, { agent: KEPT }), 'response')) as [IncomingMessage];
  await once(answer, 'readable');
  const tookMs = performance.now() - startedMs;
  await finished(answer.resume());
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
  return tookMs;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
