import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestAlgorithm, digestHex, formatDigest, isDigest, parseDigest } from './digest.ts';
import { RegistryError } from './error.ts';

const HEX = '0123456789abcdef'.split('');
const hexOf = (length: number) =>
  fc.string({ unit: fc.constantFrom(...HEX), minLength: length, maxLength: length });
const sha256 = hexOf(64).map((hex) => ({ algorithm: 'sha256' as const, hex }));
const sha512 = hexOf(128).map((hex) => ({ algorithm: 'sha512' as const, hex }));

describe('a digest', () => {
  it('comes apart into what it was put together from', () => {
    fc.assert(
      fc.property(fc.oneof(sha256, sha512), ({ algorithm, hex }) => {
        const digest = formatDigest(algorithm, hex);
        expect(digest).toBe(`${algorithm}:${hex}`);
        expect(digestAlgorithm(digest)).toBe(algorithm);
        expect(digestHex(digest)).toBe(hex);
        expect(parseDigest(digest)).toBe(digest);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['no algorithm', 'a'.repeat(64)],
    ['a sum that is too short', `sha256:${'a'.repeat(63)}`],
    ['a sum that is too long', `sha256:${'a'.repeat(65)}`],
    ['the length of the other algorithm', `sha512:${'a'.repeat(64)}`],
    ['the length of the other algorithm, the other way', `sha256:${'a'.repeat(128)}`],
    ['a short sha512', `sha512:${'a'.repeat(127)}`],
    ['a long sha512', `sha512:${'a'.repeat(129)}`],
    ['capitals', `sha256:${'A'.repeat(64)}`],
    ['a letter beyond f', `sha256:${'g'.repeat(64)}`],
    ['an algorithm that is not registered', `md5:${'a'.repeat(32)}`],
    ['another algorithm of the right length', `blake3:${'a'.repeat(64)}`],
    ['something before it', ` sha256:${'a'.repeat(64)}`],
    ['a line end behind it', `sha256:${'a'.repeat(64)}\n`],
    ['a way out of the folder', 'sha256:../../etc/passwd'],
  ])('is refused with %s', (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(
      expect.objectContaining({
        code: 'DIGEST_INVALID',
        status: 400,
        message: expect.stringContaining('sha256'),
      }),
    );
  });

  it('shows no more than the beginning of what it was taken for', () => {
    expect(() => parseDigest(`x${'y'.repeat(1000)}`)).toThrow(
      expect.objectContaining({ detail: { digest: `x${'y'.repeat(159)}` } }),
    );
  });

  it('cannot be put together from a sum of the wrong length', () => {
    expect(() => formatDigest('sha512', 'ab')).toThrow(RegistryError);
  });
});
