import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mustRun } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { addChecksum, writeChecksums } from './checksums.ts';

/** What `sha256sum --check` says of a folder's files. */
async function checked(folder: string): Promise<string> {
  return await mustRun('sh', ['-c', 'cd "$0" && sha256sum --check --strict SHA256SUMS', folder]);
}

test('a release has the checksums of its files, by name, and of what is made of them later', async () => {
  await using folder = await tempFolder('sums');
  const at = (name: string): string => join(folder.path, name);
  for (const name of ['b', 'a', 'c.deb']) await writeFile(at(name), name);
  await writeChecksums(folder.path, [at('b'), at('a')]);
  expect(await checked(folder.path)).toBe('a: OK\nb: OK\n');
  await addChecksum(folder.path, at('c.deb'));
  expect(await checked(folder.path)).toBe('a: OK\nb: OK\nc.deb: OK\n');
  await writeFile(at('b'), 'made anew');
  await addChecksum(folder.path, at('b'));
  expect(await checked(folder.path)).toBe('a: OK\nb: OK\nc.deb: OK\n');
});

test('the next release knows nothing of what the last one was made into', async () => {
  await using folder = await tempFolder('sums');
  await writeFile(join(folder.path, 'a'), 'a');
  await writeFile(join(folder.path, 'a.deb'), 'of the old one');
  await addChecksum(folder.path, join(folder.path, 'a.deb'));
  await writeChecksums(folder.path, [join(folder.path, 'a')]);
  expect(await readFile(join(folder.path, 'SHA256SUMS'), 'utf8')).toMatch(/^[0-9a-f]{64} {2}a\n$/);
});

test('checksums that cannot be read are not taken for none', async () => {
  await using folder = await tempFolder('sums');
  await writeFile(join(folder.path, 'a.deb'), 'a');
  await mkdir(join(folder.path, 'SHA256SUMS'));
  await expect(addChecksum(folder.path, join(folder.path, 'a.deb'))).rejects.toThrow('EISDIR');
});
