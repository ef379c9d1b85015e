import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseChallenges } from './challenge.ts';

function parsed(field: string): [scheme: string, parameters: Record<string, string>][] {
  return parseChallenges(field).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
}

describe('parseChallenges', () => {
  it.each<[what: string, field: string, expected: ReturnType<typeof parsed>]>([
    [
      'a Bearer challenge as registries send it',
      'Bearer realm="https://auth.test/token",service="registry.test",scope="repository:a/b:pull,push"',
      [
        [
          'bearer',
          { realm: 'https://auth.test/token', service: 'registry.test', scope: 'repository:a/b:pull,push' },
        ],
      ],
    ],
    ['a scheme in capitals', 'BEARER Realm=x', [['bearer', { realm: 'x' }]]],
    ['a scheme alone', 'Negotiate', [['negotiate', {}]]],
    ['spaces around the equals sign', 'Basic realm = "a b"', [['basic', { realm: 'a b' }]]],
    [
      'escapes in a quoted string',
      String.raw`Basic realm="a \"b\" \\c"`,
      [['basic', { realm: 'a "b" \\c' }]],
    ],
    ['an empty quoted string', 'Basic realm=""', [['basic', { realm: '' }]]],
    [
      'several challenges in one field',
      'Basic realm="b", Bearer realm="https://t/",service=s , Digest nonce=1',
      [
        ['basic', { realm: 'b' }],
        ['bearer', { realm: 'https://t/', service: 's' }],
        ['digest', { nonce: '1' }],
      ],
    ],
    [
      'no spaces between challenges',
      'Basic realm="b",Bearer realm="t"',
      [
        ['basic', { realm: 'b' }],
        ['bearer', { realm: 't' }],
      ],
    ],
    ['the first of a parameter given twice', 'Basic realm="a",realm="b"', [['basic', { realm: 'a' }]]],
    ['empty list elements', ', ,Basic realm=a,,', [['basic', { realm: 'a' }]]],
    ['nothing of an empty field', '', []],
    ['nothing of a parameter without a scheme', 'realm="x"', []],
    [
      'what stands before something unreadable',
      'Basic realm="a", @@, Bearer realm="b"',
      [['basic', { realm: 'a' }]],
    ],
    ['nothing of a string that never ends', 'Basic realm="abc', [['basic', { realm: '' }]]],
  ])('reads %s', (_what, field, expected) => {
    expect(parsed(field)).toEqual(expected);
  });

  it('never throws and always ends, whatever the field', () => {
    const pieces = fc.constantFrom(
      'Basic',
      'Bearer ',
      'realm',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      '\t',
      'x',
      '==',
      '\u0000',
      'é',
    );
    const field = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(pieces, { maxLength: 60 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(field, (text) => {
        for (const { scheme } of parseChallenges(text)) expect(scheme).toMatch(/^[^\s,="]+$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a hostile megabyte in no time', () => {
    for (const field of [
      'a'.repeat(1e6),
      `Basic realm="${'\\'.repeat(1e6)}`,
      `Basic ${' '.repeat(1e6)}`,
      'a,'.repeat(5e5),
    ]) {
      // Of the processor's time: another process that takes it does not count. Quadratic, it would be many minutes.
      const before = process.cpuUsage();
      parseChallenges(field);
      expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
    }
  });
});
