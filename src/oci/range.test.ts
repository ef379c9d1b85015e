import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatContentRange, parseContentRange, parseRange, resolveRange } from './range.ts';

const size = fc.integer({ min: 1, max: 2 ** 40 });

describe('a Range field', () => {
  it.each([
    ['bytes=0-', [{ kind: 'from', start: 0, end: undefined }]],
    ['bytes=5-9', [{ kind: 'from', start: 5, end: 9 }]],
    ['bytes=5-5', [{ kind: 'from', start: 5, end: 5 }]],
    ['bytes=-7', [{ kind: 'suffix', length: 7 }]],
    ['BYTES=1-', [{ kind: 'from', start: 1, end: undefined }]],
    [' bytes=1- ', [{ kind: 'from', start: 1, end: undefined }]],
    [
      'bytes=,1-2, , -3,',
      [
        { kind: 'from', start: 1, end: 2 },
        { kind: 'suffix', length: 3 },
      ],
    ],
    ['bytes=0-18446744073709551615', [{ kind: 'from', start: 0, end: Number.MAX_SAFE_INTEGER }]],
    ['bytes=-18446744073709551615', [{ kind: 'suffix', length: Number.MAX_SAFE_INTEGER }]],
  ])('%j is understood', (field, specs) => {
    expect(parseRange(field)).toEqual(specs);
  });

  it.each([
    '',
    'bytes',
    'bytes=',
    'bytes=,',
    'bytes=-',
    'bytes=9-3',
    'bytes=a-b',
    'bytes=1-b',
    'bytes=1',
    'bytes=1-2-3',
    'bytes=--1',
    'bytes=+1-2',
    'bytes=1.5-2',
    'bytes=0x1-2',
    'bytes=1-2,x',
    'lines=1-2',
    'xbytes=1-2',
    'bytes=1-2\nbytes=3-4',
  ])('%j is to be ignored', (field) => {
    expect(parseRange(field)).toBeUndefined();
  });
});

describe('a range of content', () => {
  const answer = (field: string, sizeBytes: number) => resolveRange(parseRange(field), sizeBytes);

  it.each([
    ['bytes=0-', 10, 0, 9],
    ['bytes=0-0', 10, 0, 0],
    ['bytes=9-', 10, 9, 9],
    ['bytes=3-5', 10, 3, 5],
    ['bytes=3-9', 10, 3, 9],
    ['bytes=3-10', 10, 3, 9],
    ['bytes=3-99', 10, 3, 9],
    ['bytes=3-18446744073709551615', 10, 3, 9],
    ['bytes=-1', 10, 9, 9],
    ['bytes=-10', 10, 0, 9],
    ['bytes=-99', 10, 0, 9],
    ['bytes=0-', 1, 0, 0],
  ])('%s of %i bytes is %i to %i', (field, sizeBytes, start, end) => {
    expect(answer(field, sizeBytes)).toEqual({ kind: 'partial', range: { start, end } });
  });

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    ['bytes=11-', 10],
    ['bytes=18446744073709551615-', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=-5', 0],
    ['bytes=20-,-0', 10],
  ])('%s of %i bytes cannot be satisfied', (field, sizeBytes) => {
    expect(answer(field, sizeBytes)).toEqual({ kind: 'unsatisfiable' });
  });

  it.each(['', 'bytes=9-3', 'bytes=0-5,2-6', 'bytes=0-,-1', 'bytes=0-1,9-3'])(
    '%j gets the whole content',
    (field) => {
      expect(answer(field, 10)).toEqual({ kind: 'full' });
    },
  );

  it.each(['bytes=0-1,20-', 'bytes=20-,0-1'])('%j has one range within the content', (field) => {
    expect(answer(field, 10)).toEqual({ kind: 'partial', range: { start: 0, end: 1 } });
  });

  it.each([
    ['bytes=0-1,3-4', [0, 1, 3, 4]],
    ['bytes=-2,0-0,12-', [8, 9, 0, 0]],
    ['bytes=5-,0-4', [5, 9, 0, 4]],
  ])('%s has several', (field, [start, end, start2, end2]) => {
    const ranges = [
      { start, end },
      { start: start2, end: end2 },
    ];
    expect(answer(field, 10)).toEqual({ kind: 'several', ranges });
  });

  it('never reaches beyond the content, and never is empty', () => {
    const spec = fc.oneof(
      fc.tuple(fc.nat(), fc.option(fc.nat())).map(([start, end]) => `bytes=${start}-${end ?? ''}`),
      fc.nat().map((length) => `bytes=-${length}`),
    );
    fc.assert(
      fc.property(spec, fc.nat(), (field, sizeBytes) => {
        const result = answer(field, sizeBytes);
        if (result.kind !== 'partial') return;
        expect(result.range.start).toBeGreaterThanOrEqual(0);
        expect(result.range.start).toBeLessThanOrEqual(result.range.end);
        expect(result.range.end).toBeLessThan(sizeBytes);
      }),
    );
  });
});

describe('a Content-Range field', () => {
  it('reads as it was written', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (sizeBytes, one, other) => {
        const start = Math.min(one, other) % sizeBytes;
        const end = Math.max(start, Math.max(one, other) % sizeBytes);
        const field = formatContentRange({ start, end }, sizeBytes);
        expect(field).toBe(`bytes ${start}-${end}/${sizeBytes}`);
        expect(parseContentRange(field)).toEqual({ range: { start, end }, sizeBytes });
      }),
    );
  });

  it('may leave the whole length open', () => {
    expect(parseContentRange(' bytes 5-9/* ')).toEqual({ range: { start: 5, end: 9 }, sizeBytes: undefined });
  });

  it('may be of one byte, and of the last one', () => {
    expect(parseContentRange('bytes 9-9/10')).toEqual({ range: { start: 9, end: 9 }, sizeBytes: 10 });
  });

  it.each([
    '',
    'bytes */10',
    'bytes 9-3/10',
    'bytes 0-10/10',
    'bytes 0-11/10',
    'bytes 0-9',
    'bytes 0-/10',
    'bytes -9/10',
    'lines 0-9/10',
    'bytes=0-9/10',
    'xbytes 0-9/10',
    'bytes 0-9/10x',
    'bytes 0-9/1a',
    'bytes 0-9007199254740992/*',
    'bytes 0-9/9007199254740993',
    'bytes 0-99999999999999999/*',
  ])('%j is malformed', (field) => {
    expect(parseContentRange(field)).toBeUndefined();
  });
});
