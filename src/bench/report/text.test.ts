import { expect, test } from 'vitest';
import { timedResult } from '../../../fixtures/timed-result.ts';
import { compareRuns } from '../compare-runs.ts';
import { judge, parseRequirement } from '../requirement.ts';
import { changesText } from './changes.ts';
import { benchCsv } from './csv.ts';
import { judgementText } from './judgement.ts';
import { benchTable } from './table.ts';
import { duration, megabytes, rate, share } from './units.ts';

const result = timedResult({
  direct: { direct: [4000, 4100, 3900, 4000, 4000, 4000] },
  china: { cold: [2000, 2100, 1900, 2000, 2000, -5], warm: [100, 110, 90, 100, 100, 100] },
});
const link = {
  name: 'client-origin',
  roundTripMs: 235,
  rateBitsPerSecond: 200e6,
  lossRatio: 3e-4,
  jitterMs: 0,
  connectionBitsPerSecond: 3.5e6,
  measuredRoundTripMs: 236,
  measuredConnectionBitsPerSecond: 3.49e6,
};

test('a table has a row and a bar for each kind, what servers did, links, notes and the verdict', () => {
  const text = benchTable({ ...result, links: [link] }, { width: 120, colour: false });
  expect(text).toMatch(/^direct +6 +1\.00 s +2\.00 s +4\.00 s +3\.90 s – 4\.10 s +2\.0 Mbit\/s +█+/m);
  expect(text).toMatch(/^china +cold +5\/6 .* 2\.00 s/m);
  expect(text).toMatch(/^ +warm +6 .* 100 ms .* 80\.0 Mbit\/s  █?[▏▎▍▌▋▊▉]?$/m);
  expect(text).toContain('china: china 1 requests, 6.0 MB · origin 1 requests, 6.0 MB');
  expect(text).toContain(
    'client-origin: asked 235 ms, 200 Mbit/s, loss 0.03 %, 3.5 Mbit/s a connection; measured 236 ms, 3.5 Mbit/s a connection',
  );
  expect(text).toContain('! china: 1 of 12 pulls failed');
  expect(text.trimEnd().split('\n').at(-1)).toBe('recommended: china');
  expect(text).not.toContain('\u001B');
  for (const line of text.split('\n').filter((each) => each.includes('█')))
    expect(line.length).toBeLessThanOrEqual(120);
});

test('on a terminal it has colours, on a narrow one no bars, and it says when it was interrupted', () => {
  const text = benchTable({ ...result, interrupted: true }, { width: 60, colour: true });
  expect(text).toContain('\u001B[31minterrupted');
  expect(text).not.toContain('█');
});

test('a variant that failed has a row and its reason', () => {
  const [direct] = result.variants;
  const variants = [
    direct,
    { name: 'asia', hops: ['asia'], problem: 'refused', notes: [], phases: [], traffic: [] },
  ];
  const text = benchTable(
    { ...result, variants: variants.filter((each) => each !== undefined) },
    { width: 100, colour: false },
  );
  expect(text).toMatch(/^asia +failed$/m);
  expect(text).toContain('✖ asia: refused');
});

test('CSV has a line for each pull, and nothing that a spreadsheet would run', () => {
  const [, china] = result.variants;
  if (china === undefined) throw new Error('no variant');
  const text = benchCsv({ ...result, variants: [{ ...china, name: '=cmd|"x"' }] });
  const lines = text.trimEnd().split('\r\n');
  expect(lines).toHaveLength(13);
  expect(lines[0]).toBe(
    'variant,hops,kind,concurrency,round,image,held,manifest_ms,first_byte_ms,image_ms,bytes,requests,error',
  );
  expect(lines[1]).toBe(`"'=cmd|""x""",china,cold,1,1,lib/app:v1,nothing,500.0,1000.0,2000.0,1000000,0,`);
  expect(lines[6]).toContain(',it broke');
});

test('changes since an earlier run', () => {
  const before = timedResult({
    direct: { direct: [4000, 4100, 3900, 4000, 4000, 4000] },
    china: { warm: [300, 310, 320, 330, 340, 350] },
  });
  const text = changesText(compareRuns(before, { ...result, mode: 'live' }), 'old.json');
  expect(text).toMatch(/direct +4\.00 s → 4\.00 s +no difference that these pulls can show/);
  expect(text).toMatch(/china +warm +325 ms → 100 ms +3\.2\d times as fast \(p 0\.00\d\)/);
  expect(text).toContain('! the runs differ in mode');
});

test('judgements', () => {
  const told = [
    'china.warm.p95<2s',
    'china.warm.median<1ms',
    'china.cold.speedup>1',
    'china.warm.throughput.min>1gbit',
    'china.cold.failures<1',
  ].map((text) => judgementText(judge(parseRequirement(text, ['china']), result)));
  expect(told).toEqual([
    '✔ china.warm.p95<2s: 110 ms',
    '✖ china.warm.median<1ms: 100 ms',
    '✔ china.cold.speedup>1: 2.00',
    '✖ china.warm.throughput.min>1gbit: 72.7 Mbit/s',
    '✖ china.cold.failures<1: 1',
  ]);
});

test.each([
  [duration(0.04), '0.0 ms'],
  [duration(999.6), '1.00 s'],
  [duration(12_340), '12.3 s'],
  [duration(125_000), '2 min 5 s'],
  [megabytes(640), '640 B'],
  [megabytes(65_536), '66 kB'],
  [megabytes(2_097_152), '2.1 MB'],
  [megabytes(3e9), '3.00 GB'],
  [rate(950_000), '950 kbit/s'],
  [rate(17.93e6), '17.9 Mbit/s'],
  [rate(2.5e9), '2.50 Gbit/s'],
  [rate(Infinity), 'no limit'],
  [share(0.0003), '0.03 %'],
])('%s is written so', (text, expected) => {
  expect(text).toBe(expected);
});
