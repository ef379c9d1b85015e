import { expect, test } from 'vitest';
import { bundleProgram } from './bundle.ts';

const { start, main, inputs } = await bundleProgram();

/** The packages that a text holds modules of. */
function packagesIn(text: string): readonly string[] {
  const modules = text.matchAll(/^ *\/\/ (?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//gm);
  return [...new Set(Array.from(modules, ([, name = '']) => name))].toSorted();
}

test('what every start reads is the command line, and no package that a command works with', () => {
  expect(packagesIn(start)).toEqual([
    'ansi-regex',
    'ansi-styles',
    'cliui',
    'escalade',
    'fastest-levenshtein',
    'get-caller-file',
    'get-east-asian-width',
    'string-width',
    'strip-ansi',
    'wrap-ansi',
    'y18n',
    'yargs',
    'yargs-parser',
  ]);
});

test('the program holds what its commands work with, and what it holds is known', () => {
  const packages = packagesIn(main);
  expect(packages).toEqual(expect.arrayContaining(['@peculiar/x509', 'js-yaml', 'pino', 'undici', 'zod']));
  const unknown = packages.filter(
    (name) => ![...inputs].some((input) => input.includes(`node_modules/${name}/`)),
  );
  expect(unknown).toEqual([]);
});

test('both are ASCII, whatever the sources are', () => {
  expect(start).not.toMatch(/[^\0-\x7F]/);
  expect(main).not.toMatch(/[^\0-\x7F]/);
});
