/**
 * Do the tests bite? Each folder's code is changed in a thousand small ways, and its own tests have to notice.
 * `npm run mutate [FOLDER|FILE ...]`, such as `cache` or `src/cache/fill.ts`; without: all three folders, some hours.
 *
 * Left out: what runs once when a module loads (a static mutant takes all tests), and the index's thread, into which
 * Stryker's switch does not reach.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bundle.ts';

const FOLDERS = ['oci', 'store', 'cache'] as const;
const WANTED_PERCENT = 75;
/** A mutant is caught where a test fails (`Killed`) or never ends (`Timeout`); the others count against the tests. */
const COUNTED = ['Killed', 'Timeout', 'Survived', 'NoCoverage'] as const;

type Folder = (typeof FOLDERS)[number];
type Counts = Record<(typeof COUNTED)[number], number>;
/** The part of the report that is read, see https://github.com/stryker-mutator/mutation-testing-elements, schema 2. */
type Report = {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
};

/** @throws Error where `words` name what is not mutated */
function patternsOf(words: readonly string[]): Map<Folder, string[]> {
  const patterns = new Map<Folder, string[]>();
  for (const word of words.length > 0 ? words : FOLDERS) {
    const path = relative(join(ROOT, 'src'), join(ROOT, word.startsWith('src/') ? word : join('src', word)));
    const folder = FOLDERS.find((name) => path === name || path.startsWith(`${name}/`));
    if (folder === undefined || !existsSync(join(ROOT, 'src', path))) {
      throw new Error(
        `${word}: no such folder or file; mutated are src/{${FOLDERS.join(',')}} and what is in them`,
      );
    }
    const pattern = path === folder ? `src/${folder}/**/*.ts` : `src/${path}`;
    patterns.set(folder, [...(patterns.get(folder) ?? []), pattern]);
  }
  return patterns;
}

async function mutate(folder: Folder, patterns: readonly string[]): Promise<Report> {
  const mutated = [...patterns, '!src/**/*.test.ts', '!src/store/index-worker.ts'].join(',');
  const stryker = spawn(join(ROOT, 'node_modules', '.bin', 'stryker'), ['run', '--mutate', mutated], {
    cwd: ROOT,
    env: { ...process.env, REGCACHE_MUTATE: folder },
    stdio: 'inherit',
  });
  const [code] = await once(stryker, 'exit');
  if (code !== 0) throw new Error(`stryker ended with ${code}`);
  return JSON.parse(await readFile(join(ROOT, 'reports', 'mutation.json'), 'utf8')) as Report;
}

function countsOf(mutants: readonly { readonly status: string }[]): Counts {
  const counts: Counts = { Killed: 0, Timeout: 0, Survived: 0, NoCoverage: 0 };
  for (const { status } of mutants) {
    const counted = COUNTED.find((name) => name === status);
    if (counted !== undefined) counts[counted] += 1;
  }
  return counts;
}

/** @returns the share that was caught, in percent; all, where nothing was to be caught */
function tell(name: string, { Killed, Timeout, Survived, NoCoverage }: Counts): number {
  const caught = Killed + Timeout;
  const all = caught + Survived + NoCoverage;
  const percent = all === 0 ? 100 : (100 * caught) / all;
  console.log(
    `${percent.toFixed(1).padStart(5)} %  ${String(caught).padStart(5)} of ${String(all).padEnd(5)} ${name}`,
  );
  return percent;
}

/** @returns whether each folder's tests catch enough */
async function main(words: readonly string[]): Promise<boolean> {
  let enough = true;
  for (const [folder, patterns] of patternsOf(words)) {
    const { files } = await mutate(folder, patterns);
    for (const [path, { mutants }] of Object.entries(files)) tell(path, countsOf(mutants));
    const all = Object.values(files).flatMap(({ mutants }) => mutants);
    if (tell(`src/${folder}`, countsOf(all)) < WANTED_PERCENT) enough = false;
  }
  return enough;
}

try {
  if (!(await main(parseArgs({ allowPositionals: true }).positionals))) process.exitCode = 1;
} catch (error) {
  console.error(`mutate: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
