import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('tests run on the Node that the lock file pins, not on the system one', async () => {
  const text = await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  const manifest = JSON.parse(text) as { optionalDependencies: Record<string, string> };
  const pinned = new Set(Object.values(manifest.optionalDependencies).map((version) => `v${version}`));
  expect([...pinned]).toEqual([process.version]);
});
