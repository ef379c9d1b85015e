import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitLine, line, lineText, lineWidth, shortened, span } from './line.ts';
import { painter } from './paint.ts';
import { signsFor } from './signs.ts';

const signs = signsFor({});

test.each([
  ['docker.io/library/alpine', 24, 'middle', 'docker.io/library/alpine'],
  ['docker.io/library/alpine', 13, 'middle', 'docker…alpine'],
  ['docker.io/library/alpine', 12, 'middle', 'docker…lpine'],
  ['docker.io/library/alpine', 8, 'end', 'docker.…'],
  ['docker.io/library/alpine', 1, 'middle', 'd'],
  ['docker.io/library/alpine', 0, 'middle', ''],
] as const)('%s in %i columns, cut at the %s, is %s', (text, width, where, expected) => {
  expect(shortened(text, width, where, signs)).toBe(expected);
});

test('a fitted line is as wide as it has to be, whatever is in it', () => {
  const piece = fc.string({ maxLength: 30, unit: 'grapheme-ascii' }).map((text) => span(text));
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 5 }),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom('left', 'right'),
      fc.constantFrom('middle', 'end'),
      (pieces, width, align, shorten) => {
        expect(lineWidth(fitLine(pieces, { width, align, shorten }, signs))).toBe(width);
      },
    ),
  );
});

test('numbers stand to the right', () => {
  expect(lineText(fitLine([span('42 ms')], { width: 8, align: 'right' }, signs))).toBe('   42 ms');
});

test('what others said cannot steer the terminal', () => {
  expect(lineText(line('a\u001B[2Jb\nc\u0007\u009B1m\u202Ed'))).toBe('a?[2Jb?c??1m?d');
});

test('a painted line has the 16 colours, and none where there are none', () => {
  const pieces = line(
    span('down', 'bad'),
    ' ',
    span('asia', 'bold'),
    span('   ', 'good'),
    span(' 1 ', 'chosen'),
  );
  expect(painter(true)(pieces)).toBe(
    '\u001B[31mdown\u001B[39m \u001B[1masia\u001B[22m   \u001B[7m 1 \u001B[27m',
  );
  expect(painter(false)(pieces)).toBe('down asia    1 ');
});

test.each([
  [{}, '●'],
  [{ LANG: 'en_GB.UTF-8' }, '●'],
  [{ LANG: 'C' }, '*'],
  [{ LC_ALL: 'de_DE.ISO-8859-1', LANG: 'de_DE.UTF-8' }, '*'],
  [{ TERM: 'linux', LANG: 'C.UTF-8' }, '*'],
])('the terminal of %o gets %s', (env, up) => {
  expect(signsFor(env).up).toBe(up);
});
