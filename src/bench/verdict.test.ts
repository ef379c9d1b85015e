import { expect, test } from 'vitest';
import { timedResult } from '../../fixtures/timed-result.ts';
import { compareRuns, readResult } from './compare-runs.ts';

const around = (ms: number, by = 0.01): number[] =>
  [0, 1, -1, 2, -2, 0.5].map((step) => ms * (1 + step * by));

test('what is faster in every round is said, with how much and what it saves', () => {
  const { verdict } = timedResult({
    direct: { direct: around(4000) },
    asia: { cold: around(2500), warm: around(1600) },
    'china>asia': { cold: around(2300), warm: around(400) },
  });
  expect(verdict.sentences).toEqual([
    'asia: cold 1.6 times as fast as direct (1.6 to 1.6); warm 2.5 times as fast as direct (2.5 to 2.5); saves 50 % of the traffic to the origin',
    'china>asia: cold 1.7 times as fast as direct (1.7 to 1.7); warm 10 times as fast as direct (10 to 10); saves 50 % of the traffic to the origin',
    'recommended: china>asia',
  ]);
  expect(verdict.recommended).toBe('china>asia');
});

test('what a further level costs and brings is said beside the same chain without it', () => {
  const { verdict } = timedResult({
    direct: { direct: around(4000) },
    china: { cold: around(2000), warm: around(400) },
    'china>asia': { cold: around(2200), warm: around(400).toReversed() },
  });
  expect(verdict.sentences[1]).toContain(
    'its level 2 (asia) beside china: costs 10 % cold, no difference that these rounds can show warm',
  );
  expect(verdict.recommended).toBe('china');
});

test('of two that differ in nothing, the shorter chain is recommended, and the other named', () => {
  const { verdict } = timedResult({
    direct: { direct: around(4000) },
    'china>asia': { cold: around(2000), warm: around(400) },
    asia: { cold: around(2000).toReversed(), warm: around(400).toReversed() },
  });
  expect(verdict.recommended).toBe('asia');
  expect(verdict.sentences.at(-1)).toBe(
    'recommended: asia; between it and china>asia, no difference that these rounds can show',
  );
});

test('chance recommends nothing, and few rounds say that they are too few', () => {
  const level = { cold: [4000, 4100, 3900, 4050, 3950, 4000], warm: [4100, 3900, 4000, 3950, 4050, 4000] };
  const even = timedResult({
    direct: { direct: [4050, 3950, 4000, 4100, 3900, 4010] },
    china: level,
  }).verdict;
  expect(even.recommended).toBeUndefined();
  expect(even.sentences.at(-1)).toBe('no difference that these rounds can show in favour of any cache');
  const few = timedResult({
    direct: { direct: [4000, 4000] },
    china: { cold: [100, 100], warm: [10, 10] },
  }).verdict;
  expect(few.recommended).toBeUndefined();
  expect(few.sentences.at(-1)).toContain('it takes at least 6 rounds to show one');
});

test('what is slower is not called faster', () => {
  const { verdict } = timedResult({
    direct: { direct: around(1000) },
    china: { cold: around(1500), warm: around(1200) },
  });
  expect(verdict.sentences[0]).toContain('cold takes 1.5 times as long as direct');
  expect(verdict.recommended).toBeUndefined();
});

test('failed pulls count for nothing but their number', () => {
  const [, china] = timedResult({
    direct: { direct: around(4000) },
    china: { cold: [...around(2000), -1], warm: around(300) },
  }).variants;
  expect(china?.phases[0]?.image?.count).toBe(6);
  expect(china?.notes).toEqual(['1 of 13 pulls failed']);
});

test('an earlier run is compared, and what differs in its set-up is told', () => {
  const before = timedResult({
    direct: { direct: around(4000) },
    china: { cold: around(2000), warm: around(300) },
  });
  const now = timedResult({
    direct: { direct: around(4000).toReversed() },
    china: { cold: around(1000), warm: around(600) },
  });
  const { changes, warnings } = compareRuns(before, { ...now, mode: 'live' });
  expect(changes.map(({ variant, kind, isReal }) => [variant, kind, isReal])).toEqual([
    ['direct', 'direct', false],
    ['china', 'cold', true],
    ['china', 'warm', true],
  ]);
  expect(changes.map(({ speedup }) => Math.round(speedup * 10) / 10)).toEqual([1, 2, 0.5]);
  expect(warnings).toEqual(['the runs differ in mode: embedded then, live now']);
  expect(readResult(JSON.stringify(before), 'a.json')).toEqual(JSON.parse(JSON.stringify(before)));
});

test.each([
  ['{', 'a.json: it is no JSON'],
  ['[]', 'a.json: it holds no result of a bench'],
  ['{"variants":[],"version":99}', 'a.json: its version is 99, this program reads 1'],
])('%s is no earlier run', (text, message) => {
  expect(() => readResult(text, 'a.json')).toThrow(message);
});
