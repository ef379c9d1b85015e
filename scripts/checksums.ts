import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errnoOf } from '../src/store/errno.ts';
import { sha256 } from './sha256.ts';

const NAME = 'SHA256SUMS';

/** Writes the checksums of all files of a release, for `sha256sum --check`: nothing else is in there afterwards. */
export async function writeChecksums(folder: string, files: readonly string[]): Promise<void> {
  const lines = await Promise.all(
    files.map(async (file) => [basename(file), `${await sha256(file)}  ${basename(file)}\n`] as const),
  );
  await replace(folder, new Map(lines));
}

/** Puts one more file, in that folder, among the checksums of those that were made before it. */
export async function addChecksum(folder: string, file: string): Promise<void> {
  const before = await readFile(join(folder, NAME), 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
  const lines = Array.from(
    before.matchAll(/^[0-9a-f]{64} [ *](.+)\n/gm),
    ([line, name = '']) => [name, line] as const,
  );
  const name = basename(file);
  await replace(folder, new Map([...lines, [name, `${await sha256(file)}  ${name}\n`]]));
}

async function replace(folder: string, lineByName: ReadonlyMap<string, string>): Promise<void> {
  const path = join(folder, NAME);
  const sorted = [...lineByName].toSorted(([one], [other]) => (one < other ? -1 : 1));
  await writeFile(`${path}.new`, sorted.map(([, line]) => line).join(''));
  await rename(`${path}.new`, path);
}
