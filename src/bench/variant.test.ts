import { expect, test } from 'vitest';
import { parseVariants, type Variant } from './variant.ts';

const DEFINED = new Map<string, Variant>([
  ['asia', { name: 'asia', hops: ['asia'] }],
  ['china', { name: 'china', hops: ['china', 'asia'] }],
]);
const HOPS = ['china', 'asia'];

test('names stand for their chains, and direct always comes first', () => {
  expect(parseVariants('asia, china', DEFINED, HOPS)).toEqual([
    { name: 'direct', hops: [] },
    { name: 'asia', hops: ['asia'] },
    { name: 'china', hops: ['china', 'asia'] },
  ]);
  expect(parseVariants('direct', DEFINED, HOPS)).toEqual([{ name: 'direct', hops: [] }]);
});

test('a chain is spelled hop by hop', () => {
  expect(parseVariants('china>asia', DEFINED, HOPS)[1]).toEqual({
    name: 'china>asia',
    hops: ['china', 'asia'],
  });
});

test.each([
  ['chinaa', 'unknown variant: chinaa', 'did you mean `china`?'],
  ['china>europe', 'unknown hop in china>europe: europe', 'hops here: china, asia'],
  ['china>china', 'china>china passes china twice', 'a loop'],
  ['asia,,china', 'a variant has no name', 'single commas'],
  ['asia,asia', 'the variant asia is named twice', 'once'],
  ['china>', 'unknown hop in china>: an empty name', 'hops here'],
])('%s is refused: %s', (text, message, hint) => {
  expect(() => parseVariants(text, DEFINED, HOPS)).toThrow(
    expect.objectContaining({ message, hint: expect.stringContaining(hint), exitCode: 2 }),
  );
});
