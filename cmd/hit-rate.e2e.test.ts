import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { runRegcache, startRegcache } from '../fixtures/regcache-process.ts';
import { seededRandom } from '../fixtures/seeded-random.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { connectControl } from '../src/control/control-client.ts';
import type { DayTally, Snapshot } from '../src/control/snapshot.ts';
import type { Outcome } from '../src/telemetry/event.ts';

const PULLS = 10_000;
const IMAGES = 100;
const AT_ONCE = 8;
const never = new AbortController().signal;

/** A hit: stored before and used before. What was fetched ahead is none, and neither is what was revalidated. */
const TRUTH = {
  // Each image's manifest by digest, its first layer, and one tag; and 50 that the origin does not have.
  miss: 3 * IMAGES + 50,
  // Each config and second layer: here because the first layer was asked for.
  prefetched: 2 * IMAGES,
  // Each tag a second time.
  revalidated: IMAGES,
  hit: PULLS - 6 * IMAGES - 50,
};

test('top, metrics, log and stats give one hit rate, and it is the true one', async () => {
  await using folder = await tempFolder('hit-rate');
  await using origin = await startEmbeddedOrigin();
  const images = await Promise.all(
    Array.from({ length: IMAGES }, (_, at) => seedImage({ seed: `image ${at}`, layerBytes: [3_000, 2_000] })),
  );
  images.forEach((image, at) => origin.addImage(`lib/app-${at}`, 'v1', image));
  const configPath = join(folder.path, 'config.yml');
  await writeFile(configPath, configOf(origin.url, join(folder.path, 'store')));
  await using cache = await startRegcache({ configPath });
  const debugUrl = String((await cache.logged(({ role }) => role === 'debug'))['url']);
  const control = connectControl({ kind: 'http', url: debugUrl });
  using agent = disposable(new Agent({ keepAlive: true, maxSockets: AT_ONCE }));
  const get = async (path: string, expected = 200): Promise<void> => {
    const { status } = await pull(`${cache.url}/v2/${path}`, agent.agent);
    expect([path, status]).toEqual([path, expected]);
  };
  const everyImage = async (paths: (at: number) => readonly string[]): Promise<void> => {
    for (let at = 0; at < IMAGES; at += 1) for (const path of paths(at)) await get(path);
  };

  const held = images.map((image, at) => {
    const [config, first, second] = image.blobs;
    const name = `lib/app-${at}`;
    return {
      manifest: `${name}/manifests/${image.root.content.digest}`,
      tag: `${name}/manifests/v1`,
      first: `${name}/blobs/${first?.digest}`,
      ahead: [`${name}/blobs/${config?.digest}`, `${name}/blobs/${second?.digest}`],
    };
  });
  await everyImage((at) => [held[at]?.manifest ?? '', held[at]?.first ?? '']);
  await expect
    .poll(async () => (await control.snapshot(never)).store.blobs, { timeout: 60_000 })
    .toBe(4 * IMAGES);
  await everyImage((at) => held[at]?.ahead ?? []);
  await everyImage((at) => [held[at]?.tag ?? '', held[at]?.tag ?? '']);
  for (let at = 0; at < 50; at += 1) await get(`lib/app-0/manifests/gone-${at}`, 404);
  // A list is no pull, whatever it was answered from.
  await get('lib/app-0/tags/list');

  const random = seededRandom(20_261_125);
  const all = held.flatMap(({ manifest, first, ahead }) => [manifest, first, ...ahead]);
  const hits = Array.from({ length: TRUTH.hit }, () => all[Math.floor(random() * all.length)] ?? '');
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, worker) => {
      for (let at = worker; at < hits.length; at += AT_ONCE) await get(hits[at] ?? '');
    }),
  );
  await expect.poll(() => reads(cache.log).length, { timeout: 30_000 }).toBe(PULLS);

  const truth = TRUTH.hit / PULLS;
  expect(counted(reads(cache.log).map(({ outcome }) => String(outcome)))).toEqual(TRUTH);

  const metrics = await text((await pull(`${debugUrl}/metrics`, agent.agent)).body);
  expect(metricSums(metrics)).toEqual(TRUTH);
  const proxy = (name: string): number => sumOf(metrics, `registry_proxy_${name}_total`, () => true);
  expect(proxy('hits') / proxy('requests')).toBe(truth);

  const top = await runRegcache(['top', '--connect', debugUrl, '--once', '--json']);
  const { traffic } = JSON.parse(top.stdout) as Snapshot;
  expect(nonZero(traffic.total.outcomes)).toEqual(TRUTH);
  expect(traffic.total.outcomes.hit / traffic.total.reads).toBe(truth);

  const statsArgs = ['stats', '--config', configPath, '--since', '2d', '--json'];
  const running = JSON.parse((await runRegcache(statsArgs)).stdout) as readonly DayTally[];
  expect(nonZero(sumOfDays(running))).toEqual(TRUTH);
  expect(await cache.stop()).toBe(0);
  const ended = JSON.parse((await runRegcache(statsArgs)).stdout) as readonly DayTally[];
  expect(ended).toEqual(running);
  const table = (await runRegcache(['stats', '--config', configPath, '--since', '2d'])).stdout;
  expect(table).toMatch(
    new RegExp(`^together +10 000 +${String(TRUTH.hit).replace(/^9/, '9 ')} +93\\.5 %`, 'm'),
  );
});

function configOf(origin: string, root: string): string {
  return `version: 0.1
storage:
  delete: {enabled: true}
  filesystem: {rootdirectory: ${root}}
http:
  addr: 127.0.0.1:0
  debug:
    addr: 127.0.0.1:0
    prometheus: {enabled: true}
middleware:
  registry:
    - name: downstream
      options:
        prefetch: true
        upstreams:
          - originhost: ${origin}
`;
}

async function pull(
  url: string,
  agent: Agent,
): Promise<{ status: number; body: NodeJS.ReadableStream & AsyncIterable<Buffer> }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof pull>>>();
  request(url, { agent }, (response) => {
    const { statusCode: status = 0 } = response;
    if (url.endsWith('/metrics')) return resolve({ status, body: response });
    response.on('error', reject).on('end', () => resolve({ status, body: response }));
    response.resume();
  })
    .on('error', reject)
    .end();
  return await promise;
}

/** The access log's lines that count: reads of manifests and blobs, with the word for where the answer came from. */
function reads(
  log: readonly Readonly<Record<string, unknown>>[],
): readonly Readonly<Record<string, unknown>>[] {
  return log.filter(
    ({ event, resource, outcome }) =>
      event === 'request' && (resource === 'manifest' || resource === 'blob') && outcome !== undefined,
  );
}

function counted(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function nonZero(
  outcomes: Readonly<Partial<Record<Outcome, number>>> = {},
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(outcomes).filter(([, count]) => count > 0));
}

function sumOfDays(days: readonly DayTally[]): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const { outcomes } of days) {
    for (const [outcome, count] of Object.entries(outcomes)) sums[outcome] = (sums[outcome] ?? 0) + count;
  }
  return sums;
}

function metricSums(metrics: string): Readonly<Record<string, number>> {
  const sums = Object.keys(TRUTH).map((outcome) => [
    outcome,
    sumOf(
      metrics,
      'regcache_requests_total',
      (labels) => labels.includes(`outcome="${outcome}"`) && /resource="(?:manifest|blob)"/.test(labels),
    ),
  ]);
  return Object.fromEntries(sums) as Record<string, number>;
}

function sumOf(metrics: string, name: string, matches: (labels: string) => boolean): number {
  const line = new RegExp(`^${name}\\{(?<labels>[^}]*)\\} (?<value>[0-9.e+]+)$`, 'gm');
  return [...metrics.matchAll(line)]
    .filter(({ groups }) => matches(groups?.['labels'] ?? ''))
    .reduce((sum, { groups }) => sum + Number(groups?.['value']), 0);
}

function disposable(agent: Agent): Disposable & { readonly agent: Agent } {
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}
