import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRepositoryName, parseRepositoryName } from './repository-name.ts';

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const word = fc.string({ unit: fc.constantFrom(...ALPHANUMERIC), minLength: 1, maxLength: 6 });
const separator = fc.constantFrom('.', '_', '__', '-', '--', '---');
const component = fc
  .tuple(word, fc.array(fc.tuple(separator, word), { maxLength: 2 }))
  .map(([first, rest]) => first + rest.map(([between, next]) => between + next).join(''));
const name = fc.array(component, { minLength: 1, maxLength: 5 }).map((components) => components.join('/'));

describe('a repository name', () => {
  it('is whatever the grammar of the specification makes', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(isRepositoryName(text)).toBe(true);
        expect(parseRepositoryName(text)).toBe(text);
      }),
    );
  });

  it('never names a way out of a folder, nor anything a URL would have to escape', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(isRepositoryName(text));
        expect(text.split('/')).not.toContain('..');
        expect(encodeURI(text)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    'A',
    'library/Alpine',
    '.a',
    'a.',
    'a..b',
    'a___b',
    'a._b',
    '_a',
    'a_',
    '-a',
    'a-',
    '..',
    'a/../b',
    'a/.',
    'a b',
    'a\n',
    'a:b',
    'a@b',
    'ä',
    'a%2fb',
  ])('is not %j', (text) => {
    expect(isRepositoryName(text)).toBe(false);
    expect(() => parseRepositoryName(text)).toThrow(
      expect.objectContaining({
        code: 'NAME_INVALID',
        status: 400,
        message: expect.stringContaining('name'),
      }),
    );
  });

  it('has 255 characters at most', () => {
    expect(isRepositoryName('a'.repeat(255))).toBe(true);
    expect(isRepositoryName('a'.repeat(256))).toBe(false);
  });

  it('shows no more than the beginning of what it was taken for', () => {
    expect(() => parseRepositoryName('A'.repeat(1000))).toThrow(
      expect.objectContaining({ detail: { name: 'A'.repeat(300) } }),
    );
  });
});
