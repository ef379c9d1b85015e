import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Gaps } from './gaps.ts';

it('gives windows in order, the last one with a short rest', () => {
  const gaps = new Gaps();
  gaps.add({ startBytes: 100, endBytes: 340 });
  expect(gaps.take(100, [])).toEqual({ startBytes: 100, endBytes: 200 });
  expect(gaps.take(100, [])).toEqual({ startBytes: 200, endBytes: 340 });
  expect(gaps.take(100, [])).toBeUndefined();
});

it('begins where a reader waits, and knows what it left out', () => {
  const gaps = new Gaps();
  gaps.add({ startBytes: 0, endBytes: 1000 });
  expect(gaps.take(100, [5000, 600])).toEqual({ startBytes: 600, endBytes: 700 });
  expect(gaps.sizeBytes).toBe(900);
  expect(gaps.take(100, [650])).toEqual({ startBytes: 0, endBytes: 100 });
  gaps.add({ startBytes: 600, endBytes: 700 });
  expect(gaps.take(5000, [])).toEqual({ startBytes: 100, endBytes: 1000 });
});

it('every byte is given exactly once, whatever is taken and given back', () => {
  const step = fc.record({
    windowBytes: fc.integer({ min: 1, max: 400 }),
    position: fc.integer({ min: 0, max: 1200 }),
    /** How much of the window comes before it is given back; all of it where this is more. */
    received: fc.integer({ min: 0, max: 600 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const gaps = new Gaps();
      gaps.add({ startBytes: 0, endBytes: 1000 });
      const got = Array.from({ length: 1000 }, () => 0);
      const receive = (startBytes: number, endBytes: number): void => {
        for (let at = startBytes; at < endBytes; at += 1) got[at] = (got[at] ?? 0) + 1;
      };
      for (const { windowBytes, position, received } of steps) {
        const gap = gaps.take(windowBytes, [position]);
        if (gap === undefined) break;
        const end = Math.min(gap.endBytes, gap.startBytes + received);
        receive(gap.startBytes, end);
        gaps.add({ startBytes: end, endBytes: gap.endBytes });
      }
      for (let gap = gaps.take(300, []); gap !== undefined; gap = gaps.take(300, [])) {
        receive(gap.startBytes, gap.endBytes);
      }
      expect(new Set(got)).toEqual(new Set([1]));
      expect(gaps.sizeBytes).toBe(0);
    }),
  );
});
