/**
 * One cold blob over a long link, through regcache and through Debian's docker-registry in the same run; and what each
 * hop adds to the first byte. Needs docker-registry. `npm run bench:far`
 */
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

await using origin = await startEmbeddedOrigin();
const address = { host: '127.0.0.1', port: Number(new URL(origin.url).port) };
const path = origin.addBlob('lib/far', bytesContent(seededContent('far', BLOB_BYTES).read(0, BLOB_BYTES)));

console.log('256 MiB over 200 ms, 20 Mbit/s a connection, 200 Mbit/s in all');
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
  const allowedS = (BLOB_BYTES * 8) / link.allowedBitsPerSecond(blobs.length);
  const upstreamBytes = blobs.reduce((sum, { toClientBytes }) => sum + toClientBytes, 0);
  console.log(
    [
      `  ${name.padEnd(16)} ${tookS.toFixed(1)} s`,
      `${blobs.length} connections with blobs, which allow ${allowedS.toFixed(1)} s (${(tookS / allowedS).toFixed(2)} of it)`,
      `${origin.requests.length - before} requests`,
      `${(upstreamBytes / BLOB_BYTES).toFixed(3)} of its bytes came over the link`,
    ].join(' · '),
  );
}
const ratio = (seconds['docker-registry'] ?? 0) / (seconds['regcache'] ?? 1);
console.log(`  regcache is ${ratio.toFixed(2)} times as fast (at least 3 wanted)`);

console.log('\nWhat a hop adds to the first byte of a cold blob, connections kept');
for (const roundTripMs of [5, 80, 150]) {
  await using link = await startLink({ to: address, roundTripMs, rateBitsPerSecond: 200 * MEGABIT });
  await using cache = await startOwnCache(link.url('http'));
  const added: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const blob = origin.addBlob('lib/far', seededContent(`first ${roundTripMs} ${round}`, 20_000));
    const through = await firstByteMs(`${cache.url}${blob}`);
    const direct = await firstByteMs(`${origin.url}${blob}`);
    // The first ones open connections.
    if (round >= 2) added.push(through - direct - roundTripMs);
  }
  added.sort((one, other) => one - other);
  const median = added[Math.floor(added.length / 2)] ?? 0;
  console.log(
    `  ${String(roundTripMs).padStart(3)} ms link: one round trip and ${median.toFixed(1)} ms (median of ${added.length}; at most 5 wanted)`,
  );
}

async function pull(url: string): Promise<void> {
  const answer = await ask(url);
  const { complete } = await answer.drain();
  if (answer.status !== 200 || !complete) throw new Error(`${url} answered ${answer.status}`);
}

async function firstByteMs(url: string): Promise<number> {
  const startedMs = performance.now();
  const answer = await ask(url, { headers: { connection: 'keep-alive' } });
  const tookMs = performance.now() - startedMs;
  await answer.drain();
  return tookMs;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
