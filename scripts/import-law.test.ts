import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type TempFolder, tempFolder } from '../fixtures/temp-folder.ts';
import { checkImportLaw } from './import-law.ts';

const ROOT = join(import.meta.dirname, '..');

/** A small project that may import what this one may. */
async function projectWith(files: Readonly<Record<string, string>>): Promise<TempFolder> {
  const folder = await tempFolder('law');
  for (const path of ['package.json', 'src/oci', 'src/async', 'fixtures/free-port.ts']) {
    await cp(join(ROOT, path), join(folder.path, path), {
      recursive: true,
      filter: (file) => !file.endsWith('.test.ts'),
    });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  return folder;
}

test('the project keeps its own law', async () => {
  const report = await checkImportLaw(ROOT);
  expect(report.violations).toEqual([]);
  expect(report.moduleCount).toBeGreaterThan(10);
});

test('planted violations are reported, each of them, and nothing else', async () => {
  await using project = await projectWith({
    'src/store/canary.ts': "import '../upstream/canary.ts';\n",
    'src/upstream/canary.ts': "export const canary = 1;\nexport type Canary = 'c';\n",
    'src/cache/canary-type.ts': "export type { Canary } from '../upstream/canary.ts';\n",
    'src/cache/canary-value.ts': "export { canary } from '../upstream/canary.ts';\n",
    'src/http/canary.ts':
      "import type { Canary } from '../upstream/canary.ts';\nexport const c: Canary = 'c';\n",
    'src/oci/canary.ts': "import { readFile } from 'node:fs/promises';\nexport const c = readFile;\n",
    'src/http/canary-yargs.ts': "import yargs from 'yargs';\nexport const c = yargs;\n",
    'cmd/canary.ts': "export * from '../fixtures/free-port.ts';\nexport * from '../src/oci/digest.ts';\n",
    'src/store/canary-missing.ts': "export * from './nowhere.ts';\n",
    'src/store/canary.test.ts': "export * from '../../fixtures/free-port.ts';\n",
    'cmd/canary.tsx':
      "import { Text } from 'ink';\nimport { freePort } from '../fixtures/free-port.ts';\nexport const Canary = () => <Text>{String(freePort)}</Text>;\n",
    'src/http/canary-ink.tsx':
      "import { Text } from 'ink';\nexport const canary = (text: string) => <Text>{text}</Text>;\n",
    'cmd/canary.test.tsx':
      "import { freePort } from '../fixtures/free-port.ts';\nexport const canary = <p>{freePort}</p>;\n",
  });
  const { violations } = await checkImportLaw(project.path);
  expect(violations.map((violation) => violation.replace(/node_modules\/([^/]+)\/.*/, '$1'))).toEqual([
    'cmd/canary.ts -> fixtures/free-port.ts',
    'cmd/canary.tsx -> fixtures/free-port.ts',
    'src/cache/canary-value.ts -> src/upstream/canary.ts',
    'src/http/canary-ink.tsx -> ink',
    'src/http/canary-yargs.ts -> yargs',
    'src/http/canary.ts -> src/upstream/canary.ts',
    'src/oci/canary.ts -> fs/promises',
    'src/store/canary-missing.ts -> ./nowhere.ts',
    'src/store/canary.ts -> src/upstream/canary.ts',
  ]);
});
