import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatByteSize, parseByteSize } from './byte-size.ts';

describe('a size', () => {
  it.each([
    ['0', 0],
    ['17', 17],
    ['17B', 17],
    ['1kB', 1000],
    ['1KB', 1000],
    ['200GB', 200e9],
    ['2PB', 2e15],
    ['16KiB', 16_384],
    ['16 kib', 16_384],
    ['1.5KiB', 1536],
    ['8MiB', 8_388_608],
    ['1GiB', 2 ** 30],
    ['1TiB', 2 ** 40],
    ['1PiB', 2 ** 50],
    ['5MB', 5e6],
    ['5TB', 5e12],
    [' 5 ', 5],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseByteSize(text)).toEqual({ ok: true, value: bytes });
  });

  it.each(['', 'MB', '-1', '1e3', '1K', '1XB', '1.MB', '.5MB', '1MBx', 'x1MB', '1,5MB'])(
    'is not %j',
    (text) => {
      expect(parseByteSize(text)).toEqual({
        ok: false,
        problem: expect.stringContaining('is no size; write'),
      });
    },
  );

  it('has an end', () => {
    expect(parseByteSize('9000PiB')).toEqual({ ok: false, problem: '`9000PiB` is too large' });
  });

  it('reads as it was written', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(parseByteSize(formatByteSize(bytes))).toEqual({ ok: true, value: bytes });
      }),
    );
  });

  it.each([
    [0, '0B'],
    [1000, '1000B'],
    [1024, '1KiB'],
    [16 * 2 ** 20, '16MiB'],
    [3 * 2 ** 40, '3TiB'],
  ])('of %i bytes is written %s', (bytes, text) => {
    expect(formatByteSize(bytes)).toBe(text);
  });
});
