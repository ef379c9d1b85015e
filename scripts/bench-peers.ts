/**
 * The hot paths beside Debian's docker-registry as a pull-through cache, in turn, in one run: CPU-seconds of the
 * server's own process per unit of work. Needs docker-registry and wrk. `npm run bench:peers`
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../fixtures/client.ts';
import { bytesContent, seededContent } from '../src/bench/image/content.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { freePort } from '../fixtures/free-port.ts';
import { startRegcache } from '../fixtures/regcache-process.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { cpuSeconds } from './cpu-seconds.ts';

const BLOB_BYTES = 256 * 1024 * 1024;
const WARM_PULLS = 6;
const ROUNDS = 3;
const WRK = ['-t1', '-c16', '-d3'];
/** How long a server may go on working after its last answer: renaming, syncing, a second download. */
const SETTLE_MS = 1500;

interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

type Figures = Record<'cold blob, CPU-s/GB' | 'stored blob, CPU-s/GB' | 'manifests per CPU-s', number>;

await using origin = await startEmbeddedOrigin();
const image = await seedImage({ seed: 'bench', layerBytes: [1000] });
origin.addImage('lib/bench', 'v1', image);
const blobPath = origin.addBlob(
  'lib/bench',
  bytesContent(seededContent('bench', BLOB_BYTES).read(0, BLOB_BYTES)),
);
const manifestPath = `/v2/lib/bench/manifests/${image.root.content.digest}`;

const peers: Record<string, (folder: string) => Promise<Peer>> = {
  regcache: async (folder) => {
    const configPath = await writeConfig(folder, '127.0.0.1:0');
    return await startRegcache({ configPath, env: { REGISTRY_LOG_LEVEL: 'info' } });
  },
  'docker-registry': async (folder) => {
    const host = `127.0.0.1:${await freePort()}`;
    const child = spawn('docker-registry', ['serve', await writeConfig(folder, host)], { stdio: 'ignore' });
    await sleep(SETTLE_MS);
    return {
      url: `http://${host}`,
      pid: child.pid ?? 0,
      [Symbol.asyncDispose]: async () => {
        child.kill('SIGKILL');
        await sleep(0);
      },
    };
  },
};

for (let round = 1; round <= ROUNDS; round += 1) {
  for (const [name, start] of Object.entries(peers)) {
    await using folder = await tempFolder('bench');
    await using peer = await start(folder.path);
    const figures = await measure(peer);
    const words = Object.entries(figures).map(([what, figure]) => `${what} ${figure.toPrecision(3)}`);
    console.log(`round ${round}  ${name.padEnd(16)} ${words.join(' · ')}`);
  }
}

async function measure({ url, pid }: Peer): Promise<Figures> {
  const cold = await cpuSeconds(pid, () => pull(url, 1));
  const stored = await cpuSeconds(pid, () => pull(url, WARM_PULLS));
  await (await ask(`${url}${manifestPath}`)).drain();
  let requests = 0;
  const manifests = await cpuSeconds(pid, async () => {
    const { stdout } = await runProgram('wrk', [...WRK, `${url}${manifestPath}`]);
    requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  });
  return {
    'cold blob, CPU-s/GB': cold / (BLOB_BYTES / 1e9),
    'stored blob, CPU-s/GB': stored / ((WARM_PULLS * BLOB_BYTES) / 1e9),
    'manifests per CPU-s': requests / manifests,
  };
}

async function pull(url: string, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const { exitCode } = await runProgram('curl', ['-sf', '-o', '/dev/null', `${url}${blobPath}`]);
    if (exitCode !== 0) throw new Error(`curl ended with ${exitCode}`);
  }
  await sleep(SETTLE_MS);
}

async function writeConfig(folder: string, addr: string): Promise<string> {
  const path = join(folder, 'config.yml');
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    http: { addr },
    proxy: { remoteurl: origin.url },
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}
