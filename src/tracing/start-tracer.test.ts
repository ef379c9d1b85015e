import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { mustRun } from '../../fixtures/run-program.ts';
import { startCache } from '../../fixtures/running-cache.ts';
import { startTraceCollector, type TraceCollector } from '../../fixtures/trace-collector.ts';
import { type Clock, systemClock } from '../async/clock.ts';
import type { RequestEvent } from '../telemetry/event.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { type OpenTracer, startTracer } from './start-tracer.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

interface Running {
  readonly tracer: OpenTracer | undefined;
  readonly warnings: readonly string[];
  /** One request from its beginning to its end. */
  request(more?: Partial<RequestEvent>, headers?: Readonly<Record<string, string>>): void;
}

async function running(env: Readonly<Record<string, string>>, clock: Clock = systemClock): Promise<Running> {
  const warnings: string[] = [];
  const telemetry = new Telemetry();
  telemetry.subscribe((event) => event.kind === 'warning' && warnings.push(event.message));
  const tracer = await startTracer(env, {
    clock,
    telemetry,
    scheme: 'https',
    instanceId: 'i',
    version: '1.2.3',
    hopName: undefined,
  });
  let count = 0;
  opened.push({ [Symbol.asyncDispose]: async () => tracer?.close(AbortSignal.abort()) });
  return {
    tracer,
    warnings,
    request: (more, headers = {}) => {
      const id = String(++count);
      tracer?.begin({ id, headers });
      telemetry.emit({ ...REQUEST, ...more, id });
    },
  };
}

const REQUEST: Omit<RequestEvent, 'id'> = {
  kind: 'request',
  method: 'GET',
  target: '/v2/',
  status: 200,
  resource: 'ping',
  outcome: undefined,
  missReason: undefined,
  namespace: undefined,
  repository: undefined,
  reference: undefined,
  bytesSent: 2,
  durationMs: 1,
  upstreamMs: undefined,
  client: '::1',
  userAgent: undefined,
  complete: true,
};

async function collector(): Promise<TraceCollector> {
  const started = await startTraceCollector();
  opened.push(started);
  return started;
}

test('nothing of OpenTelemetry’s SDK is loaded before somebody asks for traces', async () => {
  const at = (path: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)));
  // The metrics load the API for their exemplars; what costs is behind it.
  const script = `
    import { registerHooks } from 'node:module';
    let loaded = 0;
    registerHooks({ load: (url, context, next) => {
      if (/\\/node_modules\\/@opentelemetry\\/(?!api\\/)/.test(url)) loaded += 1;
      return next(url, context);
    } });
    await import(${at('../daemon.ts')});
    const { startTracer } = await import(${at('start-tracer.ts')});
    const telemetry = { emit: () => undefined, subscribe: () => () => undefined };
    const seen = [];
    for (const env of [{}, { OTEL_TRACES_EXPORTER: 'none' }, { OTEL_TRACES_EXPORTER: 'console' }]) {
      const tracer = await startTracer(env, { telemetry, scheme: 'http', instanceId: 'i' });
      seen.push([tracer === undefined, loaded === 0]);
    }
    console.log(JSON.stringify(seen));`;
  const said = await mustRun(process.execPath, ['--input-type=module', '--eval', script]);
  expect(JSON.parse(said)).toEqual([
    [true, true],
    [true, true],
    [false, false],
  ]);
});

describe('the last spans', () => {
  test('are sent when the daemon ends', async () => {
    const taker = await collector();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: taker.url, OTEL_SERVICE_NAME: 'china' };
    const cache = await startCache({ origin: 'http://127.0.0.1:1', env });
    opened.push(cache);
    await (await cache.ask('/v2/')).bytes();
    expect(taker.spans).toEqual([]);
    await cache.daemon.stop(new AbortController().signal);
    expect(taker.spans).toMatchObject([{ name: 'GET ping', resource: { 'service.name': 'china' } }]);
    expect(cache.told('warning')).toEqual([]);
  });

  test.each(['in time', 'at once'])('wait for no collector that hangs: %s', async (when) => {
    const asked = Promise.withResolvers<void>();
    const hanging = await startTraceCollector({ answer: () => asked.resolve() });
    opened.push(hanging);
    const clock = new ManualClock();
    const { tracer, warnings, request } = await running({ OTEL_EXPORTER_OTLP_ENDPOINT: hanging.url }, clock);
    request();
    const hurry = new AbortController();
    const closed = tracer?.close(hurry.signal);
    await asked.promise;
    expect(warnings).toEqual([]);
    if (when === 'in time') await clock.advance(2_000);
    else hurry.abort();
    await closed;
    expect(warnings).toEqual([expect.stringContaining('1 span was lost')]);
  });
});

describe('a span of a request', () => {
  async function spanOf(
    more: Partial<RequestEvent>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<TraceCollector['spans'][number] | undefined> {
    const taker = await collector();
    const { tracer, request } = await running({ OTEL_EXPORTER_OTLP_ENDPOINT: taker.url });
    request(more, headers);
    await tracer?.close(new AbortController().signal);
    return taker.spans[0];
  }

  test.each([
    ['https://me:geheim@h/v2/a?b=geheim#c', '/v2/a'],
    ['//me:geheim@h/v2/a', '/v2/a'],
    ['*', '*'],
    ['/v2/?token=geheim', '/v2/'],
  ])('has the path of its target, and no secret: %s', async (target, path) => {
    const span = await spanOf({ target });
    expect(span?.attributes['url.path']).toBe(path);
    expect(JSON.stringify(span)).not.toContain('geheim');
  });

  test.each([
    ['cache.example', 'cache.example', 443],
    ['cache.example:5000', 'cache.example', 5000],
    ['[::1]:5000', '::1', 5000],
    ['me:geheim@h', undefined, undefined],
    ['', undefined, undefined],
  ])('has the server that was asked for: %s', async (host, address, port) => {
    const attributes = (await spanOf({}, { host }))?.attributes;
    expect([attributes?.['server.address'], attributes?.['server.port']]).toEqual([address, port]);
    expect(attributes?.['url.scheme']).toBe('https');
  });

  test('has one of few names, whatever the method', async () => {
    expect(await spanOf({ method: 'PROPFIND', resource: undefined, status: 405 })).toMatchObject({
      resource: { 'service.name': 'regcache', 'service.version': '1.2.3', 'service.instance.id': 'i' },
      name: 'HTTP',
      status: { code: 'unset' },
      attributes: { 'http.request.method': '_OTHER', 'http.request.method_original': 'PROPFIND' },
    });
  });
});

test.each([
  ['parentbased_always_on', '00', 0],
  ['parentbased_always_on', '01', 1],
  ['parentbased_always_off', '01', 1],
  ['parentbased_always_off', undefined, 0],
  ['always_on', '00', 1],
  ['always_off', '01', 0],
])('%s, where the trace came in with %s, records %i', async (sampler, flags, recorded) => {
  const taker = await collector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: taker.url, OTEL_TRACES_SAMPLER: sampler };
  const { tracer, request } = await running(env);
  const traceparent = `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`;
  request({}, flags === undefined ? {} : { traceparent });
  await tracer?.close(new AbortController().signal);
  expect(taker.spans).toHaveLength(recorded);
});
