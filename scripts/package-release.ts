import { readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleProgram, ROOT } from './bundle.ts';
import { writeChecksums } from './checksums.ts';
import { describeCommit } from './describe-commit.ts';
import { readManifest } from './manifest.ts';
import { archive } from './package-archive.ts';
import { readComponents } from './package-components.ts';
import { licencesText } from './package-licences.ts';
import type { MadeTarget } from './package-make.ts';
import { type Made, releaseNotes } from './package-notes.ts';
import { makeSbom } from './package-sbom.ts';
import { sourceDateS } from './source-date.ts';

export interface ReleaseOptions {
  /** Where the binaries are, and the rest comes to. */
  readonly dist: string;
  /** For what is needed in between. */
  readonly work: string;
  readonly archives: boolean;
}

/**
 * Lays beside the binaries what belongs to them: lists of what is inside, licences, archives, notes, checksums.
 * @param binaries those that were made
 * @param all how it went with each platform
 */
export async function writeRelease(
  binaries: readonly MadeTarget[],
  all: readonly Made[],
  { dist, work, archives }: ReleaseOptions,
): Promise<void> {
  const { version, dependencies } = await readManifest();
  const [commit, dateS] = [await describeCommit(ROOT), await sourceDateS()];
  const components = await readComponents((await bundleProgram()).inputs);
  const direct = new Set(Object.keys(dependencies));
  const licences = join(dist, 'THIRD-PARTY-LICENSES');
  await writeFile(licences, licencesText(components, await readNodeLicences(binaries)));
  const files = [licences];
  for (const { made, file, nodeVersions } of binaries) {
    const { target } = made;
    const sbom = `${file}.cdx.json`;
    await writeFile(sbom, makeSbom({ version, commit, target, components, direct, nodeVersions, dateS }));
    files.push(file, sbom);
    if (!archives || target.node.os === 'win32') continue;
    const packed = await archive(
      `regcache-${version}-${target.name}`,
      [
        { path: file, name: 'regcache' },
        { path: sbom, name: 'regcache.cdx.json' },
        { path: licences, name: 'THIRD-PARTY-LICENSES' },
        ...['LICENSE', 'README.md', 'CHANGELOG.md'].map((name) => ({ path: join(ROOT, name), name })),
      ],
      { into: dist, work, dateS },
    );
    if (packed === undefined) console.log(`– ${target.name}: no archive, tar or xz is not installed`);
    else files.push(packed);
  }
  const notes = join(dist, 'RELEASE-NOTES.md');
  await writeFile(notes, releaseNotes({ version, commit, dateS, made: all, files: files.toSorted() }));
  await writeChecksums(dist, [...files, notes]);
}

/** The licence of each Node that is in a binary, by its version. @throws where there is none */
async function readNodeLicences(binaries: readonly MadeTarget[]): Promise<ReadonlyMap<string, string>> {
  const licences = new Map<string, string>();
  for (const { made, nodeLicenceFile } of binaries) {
    const { version } = made.target.node;
    // The package for Windows has the executable and nothing else.
    const file = nodeLicenceFile ?? (version === process.versions.node ? await ownLicenceFile() : undefined);
    if (file !== undefined) licences.set(version, await readFile(file, 'utf8'));
    if (!licences.has(version)) throw new Error(`Node ${version} came without its licence`);
  }
  return licences;
}

async function ownLicenceFile(): Promise<string> {
  return join(dirname(await realpath(process.execPath)), '..', 'LICENSE');
}
