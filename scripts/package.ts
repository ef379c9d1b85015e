/**
 * Makes the release: one executable for each platform, with what belongs to it, in dist/. What cannot be made or tried
 * here is said; only linux-x64 has to be made. `npm run package [-- --only linux-x64,… --quick]`
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './bundle.ts';
import { readManifest } from './manifest.ts';
import { type MadeTarget, makeTarget } from './package-make.ts';
import type { Made } from './package-notes.ts';
import { writeRelease } from './package-release.ts';
import { readTargets, TARGET_NAMES } from './package-target.ts';

const DIST = join(ROOT, 'dist');
const NEEDED = 'linux-x64';

interface Options {
  readonly only: readonly string[];
  /** Neither a second build to compare, nor archives. */
  readonly quick: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  const only = values.only?.split(',') ?? TARGET_NAMES;
  const unknown = only.find((name) => !TARGET_NAMES.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: known are ${TARGET_NAMES.join(', ')}`);
  return { only, quick: values.quick };
}

/** @returns whether all that has to be made was made */
async function makeRelease({ only, quick }: Options): Promise<boolean> {
  const { version } = await readManifest();
  await mkdir(DIST, { recursive: true });
  const work = await mkdtemp(join(DIST, '.package-'));
  const nodes = join(ROOT, 'node_modules', '.cache', 'regcache-nodes');
  const all: Made[] = [];
  const binaries: MadeTarget[] = [];
  try {
    for (const target of (await readTargets()).filter(({ name }) => only.includes(name))) {
      const startedMs = performance.now();
      await rm(join(DIST, target.file), { force: true });
      try {
        const binary = await makeTarget(target, { version, work, dist: DIST, nodes, twice: !quick });
        binaries.push(binary);
        all.push(binary.made);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        all.push({ kind: 'left-out', target, reason });
      }
      tell(all.at(-1), performance.now() - startedMs);
    }
    await writeRelease(binaries, all, { dist: DIST, work, archives: !quick });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return !only.includes(NEEDED) || binaries.some(({ made }) => made.target.name === NEEDED);
}

function tell(made: Made | undefined, tookMs: number): void {
  if (made === undefined) return;
  const sign = made.kind === 'made' ? '✔' : '–';
  console.log(`${sign} ${made.target.name} (${(tookMs / 1000).toFixed(1)} s)`);
  if (made.kind === 'left-out') {
    console.log(`    left out: ${made.reason}`);
    return;
  }
  const { sizeBytes, seen, isReproducible, notes } = made;
  const lines = [
    `dist/${made.target.file}, ${(sizeBytes / 1e6).toFixed(1)} MB`,
    seen === undefined ? 'not run: it is for another machine' : `run ${seen.place}: ${seen.did.join(', ')}`,
    ...(isReproducible === undefined
      ? []
      : [`built twice: ${isReproducible ? 'the same bytes' : 'OTHER BYTES'}`]),
    ...notes,
  ];
  for (const line of lines) console.log(`    ${line}`);
}

process.exitCode = (await makeRelease(readOptions())) ? 0 : 1;
