import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bundleProgram, ROOT } from './bundle.ts';

interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, string>>>
>;
const { packages: locked } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};
const page = await readFile(join(ROOT, 'docs', 'dependencies.md'), 'utf8');

/** What a table under a heading says each package brings. */
function told(heading: string): Readonly<Record<string, number>> {
  const section = page.split('\n## ').find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const rows = section
    .split('\n')
    .filter((line) => /^\| (?:@?[a-z])/.test(line) && !line.startsWith('| package '));
  return Object.fromEntries(
    rows.map((row) => {
      const cells = row.split('|').map((cell) => cell.trim());
      return [cells[1] ?? '', Number(cells.at(-2))];
    }),
  );
}

/** Where npm has put what a package at this place asks for, as Node would look for it. */
function placeOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (locked[place] !== undefined) return place;
    if (folder === '') return undefined;
  }
}

function allBelow(place: string, found = new Set<string>()): ReadonlySet<string> {
  const { dependencies, optionalDependencies } = locked[place] ?? {};
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const next = placeOf(name, place);
    if (next === undefined || found.has(next)) continue;
    found.add(next);
    allBelow(next, found);
  }
  return found;
}

describe('docs/dependencies.md', () => {
  test.each([
    ['In the program', 'dependencies'],
    ['The runtime', 'optionalDependencies'],
    ['For development', 'devDependencies'],
  ])('%s: every package of %s, and how many come with it', (heading, kind) => {
    const wanted = Object.keys(manifest[kind] ?? {}).map((name) => [
      name,
      allBelow(`node_modules/${name}`).size,
    ]);
    expect(told(heading)).toEqual(Object.fromEntries(wanted));
  });

  test('names every override', () => {
    for (const key of Object.keys(manifest['overrides'] ?? {})) {
      expect(page).toMatch(new RegExp(`^\\| [^|]*\\b${key.replace(/@[^@]*$/, '')}\\b[^|]*\\|[^|]*\\|$`, 'm'));
    }
  });

  test('names every package with an install script; none of them runs', async () => {
    const scripted = Object.keys(locked).filter((place) => locked[place]?.hasInstallScript === true);
    expect(scripted.toSorted()).toEqual(['node_modules/@swc/core', 'node_modules/esbuild']);
    expect(await readFile(join(ROOT, '.npmrc'), 'utf8')).toContain('ignore-scripts=true\n');
  });
});

test('no package is in the program in two versions', async () => {
  const { inputs } = await bundleProgram();
  const versions = new Map<string, Set<string>>();
  for (const file of inputs) {
    const [, place, name] = /^(.*node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(file) ?? [];
    if (place === undefined || name === undefined) continue;
    versions.set(name, (versions.get(name) ?? new Set()).add(locked[place]?.version ?? place));
  }
  expect(versions.size).toBeGreaterThan(30);
  expect(Array.from(versions).filter(([, each]) => each.size > 1)).toEqual([]);
});
