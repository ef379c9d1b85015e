/**
 * Twenty clients pull through three hops while everything between them and at the origin goes wrong, and hops are
 * killed. Every pull must end with the right bytes or a proper error, the origin must hardly send anything twice, and
 * what it sent wrong must not be asked for again. `npm run chaos`, `npm run chaos -- 2000 SEED`
 */
import { createHash, randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificateAuthority, writeCertificate } from '../src/certs/certificate-authority.ts';
import { ChaosOrigin } from '../fixtures/chaos-origin.ts';
import { type ChaosLink, startChaosLink } from '../fixtures/chaos-link.ts';
import { ask } from '../fixtures/client.ts';
import { freePort } from '../fixtures/free-port.ts';
import { type RegcacheProcess, startRegcache } from '../fixtures/regcache-process.ts';
import { seededRandom } from '../fixtures/seeded-random.ts';
import { seedImage, type SeededImage } from '../src/bench/image/seeded-image.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const PULLS = Number(process.argv[2] ?? 2000);
const SEED = Number(process.argv[3] ?? randomInt(2 ** 31));
const CLIENTS = 20;
const PULLS_AN_IMAGE = 5;
const LAYER_BYTES = [1_400_000, 400_000, 50_000];
const HOPS = ['asia', 'japan', 'china'] as const;
/** It goes on until there were so many. */
const FAULTS_A_PULL = 2.5;
const WRONG_SHARE = 0.02;
/** A kill for so many pulls. */
const PULLS_A_KILL = 60;
/** The longest that one answer may take. */
const BOUND_MS = 60_000;
/** What is asked again after an error, as clients do. */
const CLIENT_TRIES = 3;

const random = seededRandom(SEED);
console.log(`${PULLS} pulls, seed ${SEED}`);

await using folder = await tempFolder('chaos');
const authority = await makeCertificateAuthority();
const ca = await authority.write(folder.path, 'ca');
await using origin = await new ChaosOrigin(random).start(await authority.issue());
const images = await makeImages();
const wrongPaths = spoilSome();

const ports = await Promise.all(HOPS.map(freePort));
await using stack = new AsyncDisposableStack();
const links: ChaosLink[] = [];
const hops: RegcacheProcess[] = [];
for (const [index] of HOPS.entries()) {
  await writeConfig(index);
  hops.push(await startHop(index));
  if (index < HOPS.length - 1) links.push(stack.use(await startChaosLink(ports[index] ?? 0, random)));
}
stack.defer(async () => {
  for (const hop of hops) await hop[Symbol.asyncDispose]();
});

const results = { right: 0, refused: 0, short: 0, wrong: 0, late: 0, unanswered: 0 };
const refusals = new Map<number, number>();
let kills = 0;
let asiaKills = 0;
let slowestMs = 0;
let asked = 0;
const violations: string[] = [];
const startedMs = performance.now();
const progress = setInterval(() => console.log(`  ${asked} pulls, ${faultCount()} faults`), 15_000);
await Promise.all([...Array.from({ length: CLIENTS }, client), killer()]);
clearInterval(progress);

origin.raging = false;
for (const link of links) link.raging = false;
await sleep(6_000);
const calm = await pullAllCalmly();

const uniqueBytes =
  images.flatMap(({ blobs }) => blobs).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - wrongBytes();
const ratio = origin.blobBytes / uniqueBytes;
for (const [path, { atAsiaKills }] of wrongPaths) {
  const most = 1 + asiaKills - atAsiaKills;
  if (origin.wholeAnswers(path) > most)
    violations.push(`${path} was sent wrong and fetched ${origin.wholeAnswers(path)} times`);
}
report();
if (violations.length > 0 || ratio > 1.05 || results.wrong + results.late > 0) process.exitCode = 1;

async function makeImages(): Promise<readonly SeededImage[]> {
  const made: SeededImage[] = [];
  for (let index = 0; index < PULLS / PULLS_AN_IMAGE; index += 1) {
    const image = await seedImage({ seed: `chaos ${SEED} ${index}`, layerBytes: LAYER_BYTES });
    origin.add('lib/app', `v${index}`, image);
    made.push(image);
  }
  return made;
}

function spoilSome(): ReadonlyMap<string, { atAsiaKills: number }> {
  const spoilt = new Map<string, { atAsiaKills: number }>();
  for (const { blobs } of images) {
    const blob = blobs[1];
    if (blob === undefined || random() > WRONG_SHARE) continue;
    const path = `/v2/lib/app/blobs/${blob.digest}`;
    origin.spoil(path);
    spoilt.set(path, { atAsiaKills: 0 });
  }
  return spoilt;
}

function wrongBytes(): number {
  return images
    .flatMap(({ blobs }) => blobs)
    .filter(({ digest }) => wrongPaths.has(`/v2/lib/app/blobs/${digest}`))
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function writeConfig(index: number): Promise<void> {
  const name = HOPS[index] ?? '';
  const tls = await writeCertificate(join(folder.path, name), name, await authority.issue());
  const before = links[index - 1];
  const upstream = {
    originhost: origin.url,
    ...(before && { upstreamhosts: [`https://127.0.0.1:${before.port}`] }),
    fallback: false,
  };
  const options = {
    name,
    upstreams: [upstream],
    cas: [ca],
    blobttl: '24h',
    tagttl: '1s',
    timeouts: { connect: '1s', headers: '20s', idle: '2s' },
  };
  const config = {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: join(folder.path, name, 'store') }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${ports[index]}`, tls },
    middleware: { registry: [{ name: 'downstream', options }] },
  };
  await writeFile(join(folder.path, `${name}.yml`), JSON.stringify(config));
}

async function startHop(index: number): Promise<RegcacheProcess> {
  return await startRegcache({
    configPath: join(folder.path, `${HOPS[index]}.yml`),
    env: { REGISTRY_HTTP_ADDR: `127.0.0.1:${ports[index]}`, REGISTRY_LOG_LEVEL: 'info' },
  });
}

function goesOn(): boolean {
  return asked < PULLS || faultCount() < PULLS * FAULTS_A_PULL;
}

async function client(): Promise<void> {
  while (goesOn()) {
    asked += 1;
    const index = Math.floor(random() * images.length);
    await pull(index);
  }
}

/** Kills a hop now and then and starts it again. */
async function killer(): Promise<void> {
  while (goesOn()) {
    await sleep(200);
    if (asked < (kills + 1) * PULLS_A_KILL) continue;
    kills += 1;
    const index = Math.floor(random() * HOPS.length);
    await hops[index]?.kill();
    if (index === 0) asiaKills += 1;
    hops[index] = await startHop(index);
  }
}

/** An image as a client pulls it: its manifest by tag, then its blobs, each asked for again where it fails. */
async function pull(index: number): Promise<boolean> {
  const image = images[index];
  if (image === undefined) throw new Error('no such image');
  const { content } = image.root;
  if (!(await get(`/v2/lib/app/manifests/v${index}`, content.digest))) return false;
  const got = await Promise.all(
    image.blobs.map(async ({ digest }) => get(`/v2/lib/app/blobs/${digest}`, digest)),
  );
  return got.every(Boolean);
}

async function get(path: string, digest: string): Promise<boolean> {
  for (let tries = 0; tries < CLIENT_TRIES; tries += 1) {
    if (await getOnce(path, digest)) return true;
    await sleep(500);
  }
  return false;
}

async function getOnce(path: string, digest: string): Promise<boolean> {
  const beganMs = performance.now();
  try {
    const answer = await ask(`https://127.0.0.1:${ports[2]}${path}`, {
      ca: authority.certificatePem,
      headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
      signal: AbortSignal.timeout(BOUND_MS),
    });
    const bytes = await answer.bytes();
    if (answer.status === 200) {
      const got = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      if (got === digest) results.right += 1;
      else {
        results.wrong += 1;
        violations.push(`${path}: wrong bytes`);
      }
      return got === digest;
    }
    results.refused += 1;
    refusals.set(answer.status, (refusals.get(answer.status) ?? 0) + 1);
    const said: unknown = JSON.parse(bytes.toString());
    if (typeof said !== 'object' || said === null || !('errors' in said))
      violations.push(`${path}: ${answer.status} without errors`);
    return false;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError') {
      results.late += 1;
      violations.push(`${path}: not ended in ${BOUND_MS} ms`);
    } else if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')
      results.unanswered += 1;
    else results.short += 1;
    return false;
  } finally {
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
  }
}

/** Once nothing goes wrong any more, everything that is right at the origin is pulled. */
async function pullAllCalmly(): Promise<number> {
  let pulled = 0;
  const left = [...images.entries()];
  const one = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [index, { blobs }] = next;
      const good = await pull(index);
      if (good) pulled += 1;
      const isWrong = blobs.some(({ digest }) => wrongPaths.has(`/v2/lib/app/blobs/${digest}`));
      if (good === isWrong)
        violations.push(`image ${index} ${good ? 'came although it is wrong' : 'does not come'} in the calm`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
  return pulled;
}

function faultCount(): number {
  return (
    kills +
    [origin, ...links].flatMap(({ faults }) => [...faults.values()]).reduce((sum, count) => sum + count, 0)
  );
}

function report(): void {
  const tookS = ((performance.now() - startedMs) / 1000).toFixed(0);
  console.log(
    `\n${asked} pulls by ${CLIENTS} clients over ${HOPS.length} hops, ${tookS} s, ${faultCount()} faults:`,
  );
  const all = new Map<string, number>([['hops killed and started again', kills]]);
  for (const { faults } of [origin, ...links]) {
    for (const [fault, count] of faults) all.set(fault, (all.get(fault) ?? 0) + count);
  }
  for (const [fault, count] of all) console.log(`  ${String(count).padStart(6)} ${fault}`);
  console.log(
    'answers:',
    results,
    'refused with',
    Object.fromEntries(refusals),
    `slowest ${(slowestMs / 1000).toFixed(1)} s of ${BOUND_MS / 1000}`,
  );
  console.log(
    `in the calm after it: ${calm} of ${images.length} images, ${wrongPaths.size} have a blob that is sent wrong`,
  );
  console.log(
    `the origin sent ${(origin.blobBytes / 1e6).toFixed(0)} MB of ${(uniqueBytes / 1e6).toFixed(0)} MB of unique blobs: ${ratio.toFixed(3)} (at most 1.05 wanted)`,
  );
  console.log(
    violations.length === 0
      ? 'no violations'
      : `${violations.length} violations:\n${violations.slice(0, 20).join('\n')}`,
  );
}
