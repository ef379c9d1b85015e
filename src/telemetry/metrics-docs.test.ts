import { expect, test } from 'vitest';
import { readDocumentedMetrics } from '../../fixtures/documented-metrics.ts';
import { scrapeAfter } from '../../fixtures/test-metrics.ts';

test('the documentation lists what is exported, by name and type, and nothing else', async () => {
  const { metrics, processNames } = await readDocumentedMetrics();
  const { types } = await scrapeAfter([]);
  const exported = [...types].filter(([name]) => /^reg(cache|istry)_/.test(name));
  expect(metrics).toHaveLength(exported.length);
  expect(new Map(metrics.map(({ name, type }) => [name, type]))).toEqual(new Map(exported));
  const ofProcess = [...types.keys()].filter((name) => !/^reg(cache|istry)_/.test(name));
  expect(processNames.toSorted()).toEqual(ofProcess.toSorted());
});
