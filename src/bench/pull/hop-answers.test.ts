import { expect, test } from 'vitest';
import { heldBefore } from '../held.ts';
import type { RequestSample } from '../result.ts';
import { readHopAnswers } from './hop-answers.ts';

test('each hop has its outcome and its wait, outermost first', () => {
  expect(
    readHopAnswers(
      '"asia:5000"; hit; detail=prefetched, "china:5000"; fwd=miss; fwd-status=200; stored',
      'asia_5000.upstream;dur=212.4, upstream;dur=318.0',
    ),
  ).toEqual([
    { hop: 'china:5000', outcome: 'miss', waitedMs: 318 },
    { hop: 'asia:5000', outcome: 'prefetched', waitedMs: 212.4 },
  ]);
});

test.each([
  ['x; hit', 'hit'],
  ['x; hit; detail=stale', 'stale'],
  ['x; fwd=miss; fwd-status=200; collapsed', 'joined'],
  ['x; fwd=stale; fwd-status=304', 'revalidated'],
  ['x; fwd=stale; fwd-status=200', 'miss'],
  ['x; fwd=bypass', 'bypass'],
  ['x; fwd=uri-miss', 'miss'],
  ['ExampleCache; hit; ttl=376', 'hit'],
  ['x', undefined],
])('%s is %s', (field, outcome) => {
  expect(readHopAnswers(field, undefined)).toEqual([
    { hop: field.split(';', 1)[0], outcome, waitedMs: undefined },
  ]);
});

test('commas and quotes in a name do not end it', () => {
  expect(readHopAnswers(String.raw`"a, \"b\"; hit"; fwd=miss, c; hit`, '').map(({ hop }) => hop)).toEqual([
    'c',
    'a, "b"; hit',
  ]);
});

test.each(['', '"unended', '; hit', '{}', ','])('%j says nothing', (field) => {
  expect(readHopAnswers(field, 'upstream;dur=x')).toEqual([]);
});

const request = (
  what: string,
  ...outcomes: ('hit' | 'joined' | 'miss' | 'prefetched' | 'stale' | undefined)[]
): RequestSample => ({
  what,
  startMs: 0,
  firstByteMs: 1,
  endMs: 2,
  bytes: 3,
  newConnection: false,
  hops: outcomes.map((outcome, index) => ({ hop: `hop ${index}`, outcome, waitedMs: undefined })),
});

test('what was held is told from blobs alone, and what was fetched ahead was not held', () => {
  expect(
    heldBefore([request('tag', 'hit'), request('config', 'miss'), request('layer 1', 'prefetched')], 'cold'),
  ).toBe('nothing');
  expect(
    heldBefore([request('tag', 'miss'), request('config', 'hit'), request('layer 1', 'stale')], 'cold'),
  ).toBe('all');
  expect(heldBefore([request('config', 'hit'), request('layer 1', 'miss')], 'cold')).toBe('some');
  expect(heldBefore([request('config', 'miss', 'hit'), request('layer 1', 'miss', 'miss')], 'cold')).toBe(
    'some',
  );
  expect(heldBefore([request('config', 'hit'), request('layer 1')], 'cold')).toBe('unknown');
  expect(heldBefore([request('tag', 'hit')], 'cold')).toBe('unknown');
  const running = [request('config', 'hit'), request('layer 1', 'joined')];
  expect(heldBefore(running, 'warm')).toBe('some');
  expect(heldBefore([request('config', 'joined'), request('layer 1', 'joined')], 'cold')).toBe('nothing');
});
