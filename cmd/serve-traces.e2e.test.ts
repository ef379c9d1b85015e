import { expect, test } from 'vitest';
import { startChainOverOrigin } from '../fixtures/chain-over-origin.ts';
import { startTraceCollector } from '../fixtures/trace-collector.ts';
import { seededContent } from '../src/bench/image/content.ts';

const BLOB = seededContent('traced', 2 * 1024 * 1024);
/** What the last spans get, and a machine that is busy. */
const END_MS = 2_000 + 3_000;

test('two hops make one trace of a pull, and their logs name it', async () => {
  await using collector = await startTraceCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'registry' };
  await using world = await startChainOverOrigin({ asia: env, china: env });
  const { asia, china } = world.chain;
  const path = world.origin.addBlob('lib/app', BLOB);
  expect((await (await world.ask(path)).digest()).digest).toBe(BLOB.digest);
  expect([await china.stop(), await asia.stop()]).toEqual([0, 0]);
  const server = collector.spans.filter(({ kind }) => kind === 'server');
  const of = (hop: string): (typeof server)[number] | undefined =>
    server.find(({ resource }) => resource['regcache.hop'] === hop);
  const question = collector.spans.find(({ spanId }) => spanId === of('asia')?.parentSpanId);
  expect(server).toHaveLength(2);
  expect(question).toMatchObject({ kind: 'client', parentSpanId: of('china')?.spanId });
  expect(of('china')).toMatchObject({
    parentSpanId: '',
    resource: { 'service.name': 'registry', 'service.version': expect.stringMatching(/^\d/) as string },
    attributes: { 'url.scheme': 'https', 'regcache.outcome': 'miss' },
  });
  for (const { log } of [asia, china]) {
    const line = log.find(({ event, target }) => event === 'request' && String(target).startsWith(path));
    expect(line).toMatchObject({ traceId: of('china')?.traceId });
  }
});

test('a collector that is gone is told once, and holds nobody up at the end', async () => {
  const gone = await startTraceCollector();
  await gone[Symbol.asyncDispose]();
  await using world = await startChainOverOrigin({ china: { OTEL_EXPORTER_OTLP_ENDPOINT: gone.url } });
  const { china } = world.chain;
  const path = world.origin.addBlob('lib/app', BLOB);
  await (await world.ask(path)).digest();
  const signalledAtMs = performance.now();
  expect(await china.stop()).toBe(0);
  expect(performance.now() - signalledAtMs).toBeLessThan(END_MS);
  const warnings = china.log.filter(({ event }) => event === 'warning').map(({ message }) => message);
  expect(warnings).toEqual([
    expect.stringMatching(/^traces: \d+ spans were lost: .*(?:ECONNREFUSED|stopped)/),
  ]);
});
