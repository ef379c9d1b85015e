/**
 * An image of eight layers pulled by skopeo: straight from a far origin, through one cache beside the client, and
 * through two, all with default settings over the same lossy links. Needs skopeo. `npm run bench:chain`
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startLink } from '../src/bench/link/link.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { startOwnCache } from '../fixtures/far-peers.ts';
import { mustRun } from '../fixtures/run-program.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const MEBIBYTE = 1024 * 1024;
const LAYERS_MIB = [4, 8, 16, 32, 32, 48, 64, 96];
const LINK = { rateBitsPerSecond: 200e6, lossRatio: 0.001 } as const;
/** Milliseconds there and back: client to china, china to asia, asia to the origin. */
const CLIENT = 5;
const CHINA_ASIA = 80;
const ASIA_ORIGIN = 150;
const PULL_TIMEOUT_MS = 1_200_000;

const image = await seedImage({ seed: 'chain', layerBytes: LAYERS_MIB.map((size) => size * MEBIBYTE) });
await using origin = await startEmbeddedOrigin();
origin.addImage('lib/app', 'v1', image);
await using folder = await tempFolder('chain');

console.log(`layers of ${LAYERS_MIB.join(', ')} MiB; loss 0.1 %, 200 Mbit/s a link`);
const directS = await direct();
const single = await throughOne();
const chain = await throughTwo();
console.log(
  [
    `\ncold, the chain is ${(directS / chain.coldS).toFixed(2)} times as fast as direct (at least 3 wanted)`,
    `cold, the chain takes ${(chain.coldS / single.coldS).toFixed(2)} of what one cache takes (at most 1 wanted)`,
    `warm, the chain is ${(directS / chain.warmS).toFixed(1)} times as fast as direct (at least 20 wanted)`,
  ].join('\n'),
);

interface Times {
  readonly coldS: number;
  readonly warmS: number;
}

async function direct(): Promise<number> {
  await using link = await linkTo(origin.url, CLIENT + CHINA_ASIA + ASIA_ORIGIN);
  const tookS = await pull(link.url('http'));
  console.log(`  direct            ${tookS.toFixed(1)} s over ${link.stats.peak} connections`);
  return tookS;
}

async function throughOne(): Promise<Times> {
  await using far = await linkTo(origin.url, CHINA_ASIA + ASIA_ORIGIN);
  await using china = await startOwnCache(far.url('http'));
  await using near = await linkTo(china.url, CLIENT);
  const times = await coldAndWarm(near.url('http'));
  tell('one cache', times, `${far.stats.peak} connections to the origin`);
  return times;
}

async function throughTwo(): Promise<Times> {
  await using farthest = await linkTo(origin.url, ASIA_ORIGIN);
  await using asia = await startOwnCache(farthest.url('http'));
  await using far = await linkTo(asia.url, CHINA_ASIA);
  await using china = await startOwnCache(far.url('http'));
  await using near = await linkTo(china.url, CLIENT);
  const times = await coldAndWarm(near.url('http'));
  tell('china > asia', times, `${far.stats.peak} connections to asia, ${farthest.stats.peak} to the origin`);
  return times;
}

function tell(name: string, { coldS, warmS }: Times, how: string): void {
  console.log(`  ${name.padEnd(17)} ${coldS.toFixed(1)} s cold, ${warmS.toFixed(1)} s warm; ${how}`);
}

async function linkTo(url: string, roundTripMs: number): ReturnType<typeof startLink> {
  const { hostname: host, port } = new URL(url);
  return await startLink({ to: { host, port: Number(port) }, roundTripMs, ...LINK });
}

async function coldAndWarm(url: string): Promise<Times> {
  const coldS = await pull(url);
  return { coldS, warmS: await pull(url) };
}

/** Seconds that skopeo takes; it checks every digest. */
async function pull(url: string): Promise<number> {
  const into = join(folder.path, 'pulled');
  const from = `docker://${new URL(url).host}/lib/app:v1`;
  const startedMs = performance.now();
  // Into a `dir:`, skopeo 1.9 takes one layer after another; into a layout six at once, as into a runtime's store.
  await mustRun('skopeo', ['copy', '--src-tls-verify=false', from, `oci:${into}:v1`], {
    timeoutMs: PULL_TIMEOUT_MS,
  });
  const tookS = (performance.now() - startedMs) / 1000;
  await rm(into, { recursive: true });
  return tookS;
}
