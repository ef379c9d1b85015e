import { expect, test } from 'vitest';
import { timedResult } from '../../../fixtures/timed-result.ts';
import type { BenchResult } from '../result.ts';
import { htmlReport } from './html.ts';

const result = timedResult({ direct: { direct: [4000, 0, 3900] }, china: { cold: [2000], warm: [-1] } });

test.each<[string, BenchResult]>([
  ['few pulls, one of no time and one that failed', result],
  ['no variants', { ...result, variants: [], comparisons: [], images: [] }],
  [
    'six hundred pulls',
    timedResult({ direct: { direct: Array.from({ length: 600 }, (_, index) => 1000 + index) } }),
  ],
])('a report of %s has no broken numbers and asks for nothing', (_name, shown) => {
  const text = htmlReport(shown);
  expect(text).toMatch(/^<!doctype html>/);
  expect(text).not.toMatch(/NaN|Infinity|undefined|src=|href=|url\(|<script/);
  expect(text).toContain("default-src 'none'");
  expect((text.match(/<circle/g) ?? []).length).toBeLessThanOrEqual(205);
});

test('what comes from outside stays text', () => {
  const [direct] = result.variants;
  if (direct === undefined) throw new Error('no variant');
  const evil = `"><script>alert('1')</script>&`;
  const text = htmlReport({
    ...result,
    regcache: evil,
    startedAt: evil,
    images: [{ reference: evil, layerBytes: [1], totalBytes: 1, platforms: 2 }],
    variants: [
      {
        ...direct,
        name: evil,
        problem: evil,
        notes: [evil],
        traffic: [{ server: evil, requests: 1, bytes: 1 }],
      },
    ],
    verdict: { recommended: undefined, sentences: [evil] },
  });
  expect(text).not.toContain('<script');
  expect(text).toContain('&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;');
});
