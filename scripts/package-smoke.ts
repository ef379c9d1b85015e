import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask } from '../fixtures/client.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import type { Program } from '../fixtures/program.ts';
import { startRegcache } from '../fixtures/regcache-process.ts';
import { mustRun, runProgram } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import type { BenchResult } from '../src/bench/result.ts';
import { pullImage } from './demo-pull.ts';

/** What a binary must say of itself, as `--version --json` prints it. */
export interface Expected {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
}

/** An emulated processor takes its time. */
const START_MS = 180_000;

/** Where a foreign processor is emulated, the program cannot start itself again. */
export type Place = 'here' | 'emulated';

/**
 * Runs a program for real, in a few seconds: enough to see that it works at all and finds what is inside it.
 * @returns what it was seen to do
 * @throws at the first thing that is not as it should be
 */
export async function smokeProgram(
  program: Program,
  expected: Expected,
  place: Place,
): Promise<readonly string[]> {
  const run = async (...args: string[]): Promise<string> =>
    await mustRun(program.file, [...program.args, ...args]);
  await using folder = await tempFolder('smoke');
  await tellsItsVersion(program, expected);
  const help = await run('--help');
  if (!/^ {2}regcache serve/m.test(help)) throw new Error(`--help names no serve: ${help}`);
  await run('certs', 'dev', 'asia.test', '--out', folder.path);
  const inspected = await run('certs', 'inspect', join(folder.path, 'asia.test.pem'));
  if (!inspected.includes('asia.test')) throw new Error(`certs inspect: ${inspected}`);
  await pullThrough(program, folder.path);
  const seen = ['--version --json', '--help', 'certs dev and inspect', 'serve and two pulls through it'];
  if (/^ {2}regcache top/m.test(help)) {
    await run('top', '--help');
    seen.push('top --help');
  }
  if (place === 'emulated') return seen;
  const small = [
    '--rounds',
    '1',
    '--image-shape',
    '2x20KiB',
    '--link',
    'asia-origin=rtt:1ms,loss:0%',
    '--json',
  ];
  const result = JSON.parse(await run('bench', 'asia', ...small)) as BenchResult;
  const problem = result.variants.find((variant) => variant.problem !== undefined)?.problem;
  if (problem !== undefined) throw new Error(`bench: ${JSON.stringify(problem)}`);
  return [...seen, 'bench with its own daemons'];
}

/** Options for the machine's own Node are not the binary's. */
async function tellsItsVersion({ file, args }: Program, expected: Expected): Promise<void> {
  const env = { NODE_OPTIONS: '--no-such-option' };
  const { exitCode, stdout, stderr } = await runProgram(file, [...args, '--version', '--json'], { env });
  if (exitCode !== 0) throw new Error(`--version --json ended with ${exitCode}: ${stderr}`);
  const told = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries({ ...expected, program: 'binary' })) {
    if (told[key] !== value) throw new Error(`--version --json: ${key} should be ${value}: ${stdout}`);
  }
}

async function pullThrough(program: Program, folder: string): Promise<void> {
  const image = await seedImage({ seed: 'smoke', layerBytes: [300_000, 20_000] });
  await using origin = await startEmbeddedOrigin();
  origin.addImage('lib/smoke', 'v1', image);
  const configPath = join(folder, 'smoke.yml');
  const storage = { filesystem: { rootdirectory: join(folder, 'store') }, delete: { enabled: true } };
  await writeFile(
    configPath,
    JSON.stringify({ version: 0.1, storage, proxy: { remoteurl: origin.url, ttl: '24h' } }),
  );
  await using regcache = await startRegcache({ program, configPath, startMs: START_MS });
  for (let pull = 0; pull < 2; pull += 1) {
    await pullImage((path, how) => ask(`${regcache.url}${path}`, how), 'lib/smoke', 'v1');
  }
  const downloads = origin.requests.filter(
    ({ method, path }) => method === 'GET' && path.includes('/blobs/'),
  );
  if (downloads.length !== image.blobs.length)
    throw new Error(`two pulls of ${image.blobs.length} blobs fetched ${downloads.length} from the origin`);
  const code = await regcache.stop();
  if (code !== 0) throw new Error(`serve ended with ${code}: ${regcache.said}`);
}
