import { describe, expect, it } from 'vitest';
import { didYouMean, suggest } from './suggestion.ts';

describe('a suggestion', () => {
  const known = ['upstreams', 'blobttl', 'blobttlmode', 'cas', 'name'];

  it.each([
    ['upstream', 'upstreams'],
    ['Upstreams', 'upstreams'],
    ['upsterams', 'upstreams'],
    ['blobtl', 'blobttl'],
    ['ca', 'cas'],
  ])('for %s is %s', (word, meant) => {
    expect(suggest(word, known)).toBe(meant);
    expect(didYouMean(word, known)).toBe(`; did you mean \`${meant}\`?`);
  });

  it('is not made where nothing is near', () => {
    expect(suggest('prefetch', known)).toBeUndefined();
    expect(suggest('x', [])).toBeUndefined();
    expect(didYouMean('prefetch', known)).toBe('; known here: blobttl, blobttlmode, cas, name, upstreams');
    expect(didYouMean('x', [])).toBe('');
  });
});
