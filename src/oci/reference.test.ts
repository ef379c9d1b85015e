import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDigest } from './digest.ts';
import { formatReference, isTag, parseReference, parseTag } from './reference.ts';

const WORD = 'abcxyzABCXYZ0189_'.split('');
const tag = fc
  .tuple(fc.constantFrom(...WORD), fc.string({ unit: fc.constantFrom(...WORD, '.', '-'), maxLength: 127 }))
  .map(([first, rest]) => first + rest);
const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('a tag', () => {
  it('is whatever the grammar of the specification makes', () => {
    fc.assert(
      fc.property(tag, (text) => {
        expect(isTag(text)).toBe(true);
        expect(parseTag(text)).toBe(text);
      }),
    );
  });

  it('has 128 characters at most', () => {
    expect(isTag('a'.repeat(128))).toBe(true);
    expect(isTag('a'.repeat(129))).toBe(false);
  });

  it.each(['', '.', '..', '.a', '-a', 'a/b', 'a b', 'a+b', 'a\n', ' a', 'ä', DIGEST])('is not %j', (text) => {
    expect(isTag(text)).toBe(false);
    expect(() => parseTag(text)).toThrow(
      expect.objectContaining({ code: 'TAG_INVALID', status: 400, message: expect.stringContaining('tag') }),
    );
  });

  it('shows no more than the beginning of what it was taken for', () => {
    expect(() => parseTag('a'.repeat(1000))).toThrow(
      expect.objectContaining({ detail: { tag: 'a'.repeat(160) } }),
    );
  });
});

describe('a reference', () => {
  it('is a digest where it reads as one', () => {
    expect(parseReference(DIGEST)).toEqual({ kind: 'digest', digest: parseDigest(DIGEST) });
  });

  it('is a tag where it does not', () => {
    expect(parseReference('3.20')).toEqual({ kind: 'tag', tag: parseTag('3.20') });
  });

  it('with a colon that is no digest is a bad digest, not a bad tag', () => {
    expect(() => parseReference('sha256:abc')).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
  });

  it('without a colon that is no tag is a bad tag', () => {
    expect(() => parseReference('-x')).toThrow(expect.objectContaining({ code: 'TAG_INVALID' }));
  });

  it('is written as it was read', () => {
    fc.assert(
      fc.property(fc.oneof(tag, fc.constant(DIGEST)), (text) => {
        expect(formatReference(parseReference(text))).toBe(text);
      }),
    );
  });
});
