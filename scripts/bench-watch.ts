/**
 * What it costs a daemon to be watched, and whether its memory grows with its requests: CPU-seconds of the daemon's own
 * process at 1,000 requests a second and at full speed, with and without a watcher as `top` is one, in turn, in one run; then a
 * million requests. `BASE=/path/to/regcache.mjs` compares another build of the program too. Needs wrk. `npm run bench:watch`
 */
import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../fixtures/client.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { BUNDLE, type Program } from '../fixtures/program.ts';
import { type RegcacheProcess, startRegcache } from '../fixtures/regcache-process.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { connectStore } from '../src/control/connect-store.ts';
import { cpuSeconds } from './cpu-seconds.ts';

const ROUNDS = 5;
const PACED_SECONDS = 10;
const REQUESTS_PER_SECOND = 1_000;
const WRK = ['-t1', '-c16', '-d3'];
const MILLION = 1_000_000;

await using origin = await startEmbeddedOrigin();
const image = await seedImage({ seed: 'bench', layerBytes: [1000] });
origin.addImage('lib/bench', 'v1', image);
const manifestPath = `/v2/lib/bench/manifests/${image.root.content.digest}`;
await using folder = await tempFolder('bench');
const root = join(folder.path, 'data');
const configPath = join(folder.path, 'config.yml');
await writeFile(configPath, configText());

const base = process.env['BASE'];
const programs: Readonly<Record<string, Program>> = {
  ...(base === undefined ? {} : { base: { ...BUNDLE, args: [base] } }),
  now: BUNDLE,
};
const measured: Record<string, number[]> = {};
for (let round = 1; round <= ROUNDS; round += 1) {
  for (const [name, program] of Object.entries(programs)) {
    await using daemon = await startWarm(program);
    note(`full speed, ${name}, requests per CPU-s`, await fullSpeed(daemon));
    if (name !== 'now') continue;
    note('1,000/s, nobody watches, % of a core', await pacedShare(daemon));
    await watched(async () => {
      note('1,000/s, watched each second, % of a core', await pacedShare(daemon));
      note('full speed, now, watched, requests per CPU-s', await fullSpeed(daemon));
    });
  }
}
for (const [what, figures] of Object.entries(measured)) {
  const sorted = figures.toSorted((one, other) => one - other);
  const [least, median, most] = [0, 0.5, 1].map(
    (share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0,
  );
  console.log(`${what}: ${median?.toPrecision(4)} (${least?.toPrecision(4)} to ${most?.toPrecision(4)})`);
}
await memory();

function note(what: string, figure: number): void {
  (measured[what] ??= []).push(figure);
}

async function startWarm(program: Program): Promise<RegcacheProcess> {
  const daemon = await startRegcache({ configPath, program });
  await (await ask(`${daemon.url}${manifestPath}`)).drain();
  await fullSpeed(daemon);
  return daemon;
}

async function fullSpeed({ url, pid }: RegcacheProcess): Promise<number> {
  let requests = 0;
  const seconds = await cpuSeconds(pid, async () => {
    const { stdout } = await runProgram('wrk', [...WRK, `${url}${manifestPath}`]);
    requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  });
  return requests / seconds;
}

/** The share of a core that the daemon takes at a steady pace, in percent. */
async function pacedShare({ url, pid }: RegcacheProcess): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const seconds = await cpuSeconds(pid, async () => {
    const startedMs = performance.now();
    for (let sent = 0; sent < PACED_SECONDS * REQUESTS_PER_SECOND; sent += 20) {
      await sleep(Math.max(0, startedMs + (sent / REQUESTS_PER_SECOND) * 1000 - performance.now()));
      await Promise.all(Array.from({ length: 20 }, async () => get(`${url}${manifestPath}`, agent)));
    }
  });
  agent.destroy();
  return (seconds / PACED_SECONDS) * 100;
}

async function get(url: string, agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request(url, { agent }, (response) => response.on('end', resolve).on('error', reject).resume())
    .on('error', reject)
    .end();
  await promise;
}

/** Does something while somebody watches, as `top` does. */
async function watched(work: () => Promise<void>): Promise<void> {
  const leaving = new AbortController();
  const client = connectStore(root);
  const watching = (async () => {
    for await (const snapshot of client.watch(leaving.signal, 1000)) void snapshot;
  })().catch(() => undefined);
  await work();
  leaving.abort();
  await watching;
}

async function memory(): Promise<void> {
  await using daemon = await startWarm(BUNDLE);
  const { url } = daemon;
  let requests = 0;
  const rows: string[] = [];
  for (let next = MILLION / 10; requests < MILLION;) {
    const { stdout } = await runProgram('wrk', ['-t1', '-c16', '-d2', `${url}${manifestPath}`]);
    requests += Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
    if (requests < next) continue;
    rows.push(`${Math.round(requests / 1000)}k: ${((await daemon.pssBytes()) / 1e6).toFixed(0)} MB`);
    next = requests + MILLION / 10;
  }
  console.log(`memory (PSS) after so many requests: ${rows.join(' · ')}`);
}

function configText(): string {
  return JSON.stringify({
    version: '0.1',
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0' },
    proxy: { remoteurl: origin.url },
  });
}
