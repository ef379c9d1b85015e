/**
 * How long the program takes to start, in turn: the binary, the bundle and the sources. `--help`, and `serve` from its
 * start to its first answer. `npm run bench:start [ROUNDS]`
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { BUNDLE, type Program, SOURCES } from '../fixtures/program.ts';
import { startRegcache } from '../fixtures/regcache-process.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { summarize } from '../src/bench/statistics/summary.ts';
import { ROOT } from './bundle.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const WANTED = { helpMs: 120, helpOfSources: 0.5, serveMs: 400 } as const;
const BINARY: Program = { file: join(ROOT, 'dist', `regcache-linux-${process.arch}`), args: [] };

async function helpMs({ file, args }: Program): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(file, [...args, '--help'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${file} --help ended with ${code}`);
  return performance.now() - startedMs;
}

/** Over an empty store, and an upstream that is never asked. */
async function serveMs(program: Program): Promise<number> {
  await using folder = await tempFolder('start');
  const configPath = join(folder.path, 'config.yml');
  const storage = { filesystem: { rootdirectory: join(folder.path, 'store') } };
  await writeFile(
    configPath,
    JSON.stringify({ version: 0.1, storage, proxy: { remoteurl: 'http://127.0.0.1:1' } }),
  );
  const startedMs = performance.now();
  await using regcache = await startRegcache({ program, configPath });
  const answer = Promise.withResolvers<number | undefined>();
  get(`${regcache.url}/v2/`, (response) => {
    response.resume();
    answer.resolve(response.statusCode);
  }).on('error', answer.reject);
  const status = await answer.promise;
  const tookMs = performance.now() - startedMs;
  if (status !== 200) throw new Error(`GET /v2/ was answered with ${status}`);
  await regcache.stop();
  return tookMs;
}

async function measure(
  what: string,
  programs: ReadonlyMap<string, Program>,
  timeMs: (program: Program) => Promise<number>,
): Promise<ReadonlyMap<string, number>> {
  const times = new Map([...programs.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, program] of programs) {
      const tookMs = await timeMs(program);
      // The first round warms the page cache.
      if (round > 0) times.get(name)?.push(tookMs);
    }
  }
  console.log(`\n${what}, milliseconds, ${ROUNDS} rounds`);
  const medians = new Map<string, number>();
  for (const [name, values] of times) {
    const { min = 0, median = 0, max = 0 } = summarize(values) ?? {};
    const figures = [min, median, max].map((value) => value.toFixed(0).padStart(6)).join('');
    console.log(`  ${name.padEnd(8)}${figures}`);
    medians.set(name, median);
  }
  return medians;
}

const programs = new Map<string, Program>();
if (await stat(BINARY.file).catch(() => undefined)) programs.set('binary', BINARY);
else console.log(`${BINARY.file} is missing: npm run package makes it`);
programs.set('bundle', BUNDLE).set('sources', SOURCES);
console.log('            min  median  max');
const help = await measure('--help', programs, helpMs);
const serve = await measure('serve, to the first answer', programs, serveMs);
const sources = help.get('sources') ?? 0;
for (const name of [...programs.keys()].filter((each) => each !== 'sources')) {
  const ms = help.get(name) ?? 0;
  console.log(
    `\n${name}: --help ${ms.toFixed(0)} ms (at most ${WANTED.helpMs} wanted), ${(ms / sources).toFixed(2)} of the sources (at most ${WANTED.helpOfSources} wanted), ` +
      `serve ${(serve.get(name) ?? 0).toFixed(0)} ms (at most ${WANTED.serveMs} wanted)`,
  );
}
