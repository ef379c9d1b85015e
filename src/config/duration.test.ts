import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['0ns', 0],
    ['1ms', 1],
    ['1s', 1000],
    ['1m', 60_000],
    ['24h', 86_400_000],
    ['90m', 5_400_000],
    ['1h30m', 5_400_000],
    ['1h1m1s1ms', 3_661_001],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1.s', 1000],
    ['1000us', 1],
    ['1000µs', 1],
    ['1000μs', 1],
    ['1000000ns', 1],
    ['2.4ms', 2],
    ['+3s', 3000],
    [' 3s ', 3000],
    ['86400000000000', 86_400_000],
    ['1000000', 1],
  ])('%s is %i milliseconds', (text, milliseconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: milliseconds });
  });

  it.each([
    ['', 'no duration'],
    ['h', 'no duration'],
    ['3', 'less than a millisecond'],
    ['60', 'write the unit, such as 60s'],
    ['999999ns', 'less than a millisecond'],
    ['-1h', 'less than nothing'],
    ['1.5', 'no duration'],
    ['1 h', 'no duration'],
    ['1d', 'no duration'],
    ['1H', 'no duration'],
    ['1h30', 'no duration'],
    ['x1h', 'no duration'],
    ['1hx', 'no duration'],
    ['.s', 'no duration'],
    ['forever', '`forever` is no duration; write numbers with units'],
    ['9223372036854775808', '292 years'],
    ['3000000h', '292 years'],
  ])('is not %j', (text, problem) => {
    const result = parseDuration(text);
    expect(result).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });

  it('reads as it was written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000_000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toEqual({ ok: true, value: milliseconds });
      }),
    );
  });

  it('is the sum of its terms', () => {
    const part = fc.nat({ max: 1000 });
    fc.assert(
      fc.property(part, part, part, part, (hours, minutes, seconds, milliseconds) => {
        expect(parseDuration(`${hours}h${minutes}m${seconds}s${milliseconds}ms`)).toEqual({
          ok: true,
          value: ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds,
        });
      }),
    );
  });

  it.each([
    [0, '0s'],
    [1, '1ms'],
    [1500, '1500ms'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [86_400_000, '24h'],
  ])('of %i milliseconds is written %s', (milliseconds, text) => {
    expect(formatDuration(milliseconds)).toBe(text);
  });
});
