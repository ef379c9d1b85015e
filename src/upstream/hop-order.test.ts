import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRepositoryName } from '../oci/repository-name.ts';
import { hopOrder } from './hop-order.ts';

const HOPS = ['a.test', 'b.test:5000', 'c.test', 'd.test'];
const names = Array.from({ length: 400 }, (_, index) => parseRepositoryName(`team/app${index}`));

describe('by repository', () => {
  it('each has its own order, always the same, with every hop once', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.boolean(), (name, beginsPull) => {
        const order = hopOrder('repository', HOPS).of(name, beginsPull);
        expect(order.toSorted((one, other) => one - other)).toEqual([0, 1, 2, 3]);
        expect(hopOrder('repository', HOPS).of(name, !beginsPull)).toEqual(order);
      }),
    );
  });

  it('the load is shared, and the repositories of a hop that is gone go to all others', () => {
    const order = hopOrder('repository', HOPS);
    const firsts = names.map((name) => order.of(name, false)[0]);
    const seconds = names.filter((_, index) => firsts[index] === 0).map((name) => order.of(name, false)[1]);
    for (const hop of [0, 1, 2, 3])
      expect(firsts.filter((first) => first === hop).length).toBeGreaterThan(50);
    expect(new Set(seconds)).toEqual(new Set([1, 2, 3]));
  });

  it('a repository stays where it is when another hop comes or goes', () => {
    const all = hopOrder('repository', HOPS);
    const fewer = hopOrder('repository', HOPS.slice(0, 3));
    for (const name of names) {
      expect(fewer.of(name, false)).toEqual(all.of(name, false).filter((hop) => hop !== 3));
    }
  });
});

describe('round robin', () => {
  it('takes one after the other, pull by pull; what belongs to a pull stays with it', () => {
    const order = hopOrder('roundrobin', ['a', 'b', 'c']);
    const [one, other] = [parseRepositoryName('one'), parseRepositoryName('other')];
    expect(order.of(one, true)).toEqual([0, 1, 2]);
    expect(order.of(other, true)).toEqual([1, 2, 0]);
    expect(order.of(one, false)).toEqual([0, 1, 2]);
    expect(order.of(other, false)).toEqual([1, 2, 0]);
    expect(order.of(one, true)).toEqual([2, 0, 1]);
    expect(order.of(one, false)).toEqual([2, 0, 1]);
    expect(order.of(parseRepositoryName('new'), false)).toEqual([0, 1, 2]);
  });
});

it('a lone hop needs no order', () => {
  for (const balance of ['repository', 'roundrobin'] as const) {
    expect(hopOrder(balance, ['a']).of(parseRepositoryName('x'), true)).toEqual([0]);
  }
});
