import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask } from '../fixtures/client.ts';
import { readDashboardQueries } from '../fixtures/dashboard.ts';
import { readDocumentedMetrics } from '../fixtures/documented-metrics.ts';
import { startEventfulCache } from '../fixtures/eventful-cache.ts';
import { needPeers } from '../fixtures/peers.ts';
import { type Prometheus, startPrometheus } from '../fixtures/prometheus.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { readScrape, type Scraped } from '../fixtures/scraped.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const RULES = join(import.meta.dirname, '..', 'deploy', 'prometheus');
const RULE_FILES = ['rules.yml', 'alerts.yml'].map((name) => join(RULES, name));
const ROUNDS = 3;

test('the rules are sound, and each alert fires where it should and nowhere else', async (context) => {
  needPeers(context, 'promtool');
  expect(await runProgram('promtool', ['check', 'rules', ...RULE_FILES])).toMatchObject({ exitCode: 0 });
  const tests = join(RULES, 'alerts.test.yml');
  expect(await runProgram('promtool', ['test', 'rules', tests])).toMatchObject({ exitCode: 0 });
});

test('whatever happens to a cache is seen by Prometheus, by each query of the dashboard and by the alerts', async (context) => {
  needPeers(context, 'prometheus', 'promtool');
  await using cache = await startEventfulCache();
  await using prometheus = await startPrometheus({ target: cache.debugAddress, ruleFiles: RULE_FILES });
  const startMs = Date.now();
  await scrapedSince(prometheus, startMs, startMs);
  for (let round = 0; round < ROUNDS; round += 1) {
    const roundMs = Date.now();
    await cache.round(round);
    await scrapedSince(prometheus, startMs, roundMs);
  }
  await cache.pullExpired();
  await cache.breakStore();
  await scrapedSince(prometheus, startMs, Date.now());
  const endMs = Date.now();

  const silent: string[] = [];
  for (const { panel, expr } of await readDashboardQueries()) {
    const series = await prometheus.queryRange(expr, startMs, endMs);
    const numbers = series.flatMap(({ values }) => values).filter((value) => Number.isFinite(value));
    if (numbers.length === 0) silent.push(`${panel}: ${expr}`);
  }
  expect(silent).toEqual([]);

  const rules = await prometheus.rules();
  expect(rules.filter(({ health, lastError }) => health !== 'ok' || lastError !== '')).toEqual([]);
  expect(rules.filter(({ kind }) => kind === 'alerting').length).toBeGreaterThan(15);
  const named = new Set(
    rules.flatMap(({ expr }) => expr.match(/\b(?:\w+:)?(?:regcache|registry|process)_[\w:]+/g) ?? []),
  );
  for (const name of named) {
    const found = await prometheus.queryRange(`count({__name__="${name}"})`, startMs, endMs);
    expect([name, found.length]).toEqual([name, 1]);
  }

  const scraped = await scrape(cache.debugAddress);
  await passesPromtool(scraped.text);
  expectEverything(scraped);
  await expectDocumented(scraped);
});

/** Waits until Prometheus has a scrape of its target that began after a moment. */
async function scrapedSince(prometheus: Prometheus, startMs: number, sinceMs: number): Promise<void> {
  const last = async (): Promise<number> => {
    const [series] = await prometheus.queryRange('timestamp(regcache_build_info)', startMs, Date.now());
    return (series?.values.at(-1) ?? 0) * 1000;
  };
  await expect.poll(last, { timeout: 20_000, interval: 200 }).toBeGreaterThan(sinceMs);
}

async function scrape(address: string): Promise<Scraped> {
  const answer = await ask(`http://${address}/metrics`);
  expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return readScrape((await answer.bytes()).toString());
}

async function passesPromtool(text: string): Promise<void> {
  await using folder = await tempFolder('scrape');
  const path = join(folder.path, 'metrics.txt');
  await writeFile(path, text);
  const ran = await runProgram('sh', ['-c', `promtool check metrics < ${path}`]);
  expect(ran).toEqual({ exitCode: 0, stdout: '', stderr: '' });
}

/** Each outcome and each trouble has been counted: the queries above were not answered by zeros alone. */
function expectEverything({ value }: Scraped): void {
  for (const outcome of ['hit', 'prefetched', 'joined', 'miss', 'revalidated', 'stale', 'bypass']) {
    expect([outcome, value('regcache_requests_total', { outcome })]).not.toEqual([outcome, 0]);
  }
  for (const reason of ['new', 'expired', 'changed', 'head', 'refused', 'failed']) {
    expect([reason, value('regcache_misses_total', { reason })]).not.toEqual([reason, 0]);
  }
  const counted = [
    'regcache_incomplete_answers_total',
    'regcache_upstream_passed_over_total',
    'regcache_upstream_downs_total',
    'regcache_upstream_unanswered_total',
    'regcache_fill_resumes_total',
    'regcache_digest_mismatches_total',
    'regcache_evictions_total',
    'regcache_evicted_bytes_total',
    'regcache_store_write_failures_total',
    'regcache_stale_tags',
    'regcache_certificate_expiry_timestamp_seconds',
  ];
  for (const name of counted) expect([name, (value(name) ?? 0) > 0]).toEqual([name, true]);
  expect(value('regcache_store_writable')).toBe(0);
}

async function expectDocumented({ types, samples }: Scraped): Promise<void> {
  const { metrics } = await readDocumentedMetrics();
  for (const { name, type, labels } of metrics) {
    const base = type === 'histogram' ? `${name}_count` : name;
    const sample = samples.find((one) => one.name === base);
    expect([name, types.get(name), Object.keys(sample?.labels ?? {}).toSorted()]).toEqual([
      name,
      type,
      labels,
    ]);
  }
}
