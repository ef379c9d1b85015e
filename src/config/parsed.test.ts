import { describe, expect, it } from 'vitest';
import { quoteValue } from './parsed.ts';

describe('a quoted value', () => {
  it.each([
    ['https://user:hunter2@host/x', '`https://***@host/x`'],
    ['https://user:hun@ter2@host', '`https://***@host`'],
    ['user:hunter2@host', '`***@host`'],
    ['a"b', '`a"b`'],
    ['a\nb', String.raw`\`a\nb\``.replaceAll(String.raw`\``, '`')],
    ['x'.repeat(101), `\`${'x'.repeat(100)}…\``],
  ])('%j is shown as %s', (text, shown) => {
    expect(quoteValue(text)).toBe(shown);
  });
});
