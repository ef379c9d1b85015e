/**
 * Makes the release: one executable for each platform, with what belongs to it, in dist/. What cannot be made or tried
 * here is said; only linux-x64 has to be made. `npm run package [-- --only linux-x64,… --quick]`
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleProgram, ROOT } from './bundle.ts';
import { describeCommit } from './describe-commit.ts';
import { readManifest } from './manifest.ts';
import { archive } from './package-archive.ts';
import { readComponents } from './package-components.ts';
import { licencesText } from './package-licences.ts';
import { type MadeTarget, makeTarget, sha256 } from './package-make.ts';
import { type Made, releaseNotes } from './package-notes.ts';
import { makeSbom } from './package-sbom.ts';
import { readTargets, TARGET_NAMES } from './package-target.ts';
import { sourceDateS } from './source-date.ts';

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
  const [manifest, commit, dateS] = [await readManifest(), await describeCommit(ROOT), await sourceDateS()];
  const { version } = manifest;
  await mkdir(DIST, { recursive: true });
  const work = await mkdtemp(join(DIST, '.package-'));
  const all: Made[] = [];
  const made: MadeTarget[] = [];
  try {
    const packaging = {
      version,
      work,
      dist: DIST,
      nodes: join(ROOT, 'node_modules', '.cache', 'regcache-nodes'),
      twice: !quick,
    };
    for (const target of (await readTargets()).filter(({ name }) => only.includes(name))) {
      const startedMs = performance.now();
      try {
        const result = await makeTarget(target, packaging);
        made.push(result);
        all.push(result.made);
        say('✔', result.made, startedMs);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        all.push({ kind: 'left-out', target, reason });
        say('–', { kind: 'left-out', target, reason }, startedMs);
      }
    }
    const components = await readComponents((await bundleProgram()).inputs);
    const direct = new Set(Object.keys(manifest.dependencies));
    const files: string[] = [];
    const licences = join(DIST, 'THIRD-PARTY-LICENSES');
    await writeFile(licences, licencesText(components, await readNodeLicences(made)));
    for (const {
      made: { target },
      file,
      nodeVersions,
    } of made) {
      const sbom = `${file}.cdx.json`;
      await writeFile(sbom, makeSbom({ version, commit, target, components, direct, nodeVersions, dateS }));
      files.push(file, sbom);
      if (quick || target.node.os === 'win32') continue;
      const packed = await archive(
        `regcache-${version}-${target.name}`,
        [
          { path: file, name: 'regcache' },
          { path: sbom, name: 'regcache.cdx.json' },
          { path: licences, name: 'THIRD-PARTY-LICENSES' },
          ...['LICENSE', 'README.md', 'CHANGELOG.md'].map((name) => ({ path: join(ROOT, name), name })),
        ],
        { into: DIST, work, dateS },
      );
      if (packed === undefined) console.log('– no archives: tar or xz is not installed');
      else files.push(packed);
    }
    files.push(licences);
    const notes = join(DIST, 'RELEASE-NOTES.md');
    await writeFile(notes, releaseNotes({ version, commit, dateS, made: all, files }));
    files.push(notes);
    const sums = await Promise.all(files.map(async (file) => `${await sha256(file)}  ${basename(file)}\n`));
    await writeFile(join(DIST, 'SHA256SUMS'), sums.join(''));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return !only.includes(NEEDED) || made.some(({ made: { target } }) => target.name === NEEDED);
}

/** The licence of each Node that is in a binary, by its version. */
async function readNodeLicences(made: readonly MadeTarget[]): Promise<ReadonlyMap<string, string>> {
  const licences = new Map<string, string>();
  for (const {
    made: { target },
    nodeLicenceFile,
  } of made) {
    if (nodeLicenceFile === undefined) continue;
    licences.set(target.node.version, await readFile(nodeLicenceFile, 'utf8'));
  }
  const without = made.find(({ made: { target } }) => !licences.has(target.node.version));
  if (without !== undefined)
    throw new Error(`Node ${without.made.target.node.version} came without its licence`);
  return licences;
}

function say(sign: string, made: Made, startedMs: number): void {
  const tookS = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${sign} ${made.target.name} (${tookS} s)`);
  if (made.kind === 'left-out') {
    console.log(`    left out: ${made.reason}`);
    return;
  }
  const { sizeBytes, seen, isReproducible, notes } = made;
  console.log(`    dist/${made.target.file}, ${(sizeBytes / 1e6).toFixed(1)} MB`);
  console.log(
    seen === undefined
      ? '    not run: it is for another machine'
      : `    run ${seen.place}: ${seen.did.join(', ')}`,
  );
  if (isReproducible !== undefined)
    console.log(`    built twice: ${isReproducible ? 'the same bytes' : 'OTHER BYTES'}`);
  for (const note of notes) console.log(`    ${note}`);
}

process.exitCode = (await makeRelease(readOptions())) ? 0 : 1;
