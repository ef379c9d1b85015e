import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { Environment } from './environment.ts';
import { readTraceSettings, type TraceSettings } from './trace-settings.ts';

type Variables = Readonly<Record<string, string>>;

async function read(
  variables: Variables,
): Promise<{ readonly settings: TraceSettings | undefined; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const settings = await readTraceSettings(new Environment(variables, (message) => warnings.push(message)));
  return { settings, warnings };
}

/** The settings of an environment with which nothing is wrong, and which asks for traces. */
async function settingsOf(variables: Variables): Promise<TraceSettings> {
  const { settings, warnings } = await read({ OTEL_TRACES_EXPORTER: 'otlp', ...variables });
  expect(warnings).toEqual([]);
  if (settings === undefined) throw new Error('no traces are asked for');
  return settings;
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };

describe('traces are asked for', () => {
  test.each<[string, Variables, string]>([
    ['by nothing', {}, 'off'],
    ['by no name alone', { OTEL_SERVICE_NAME: 'a' }, 'off'],
    ['by the exporter', { OTEL_TRACES_EXPORTER: 'OTLP' }, 'otlp'],
    ['by an endpoint', ENDPOINT, 'otlp'],
    ['by an endpoint for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/x' }, 'otlp'],
    ['by no endpoint that is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, 'off'],
    ['for the console', { OTEL_TRACES_EXPORTER: 'console', ...ENDPOINT }, 'console'],
    ['for both', { OTEL_TRACES_EXPORTER: 'otlp, console' }, 'otlp console'],
    ['by none', { OTEL_TRACES_EXPORTER: 'none', ...ENDPOINT }, 'off'],
    ['by nobody who turns all off', { OTEL_SDK_DISABLED: 'TRUE', ...ENDPOINT }, 'off'],
    ['where all is not turned off', { OTEL_SDK_DISABLED: 'false', ...ENDPOINT }, 'otlp'],
  ])('%s', async (_, variables, expected) => {
    const { settings, warnings } = await read(variables);
    const on = [settings?.otlp && 'otlp', settings?.console === true && 'console'].filter(Boolean).join(' ');
    expect([on === '' ? 'off' : on, warnings]).toEqual([expected, []]);
  });
});

describe('where spans go', () => {
  test.each<[string, Variables, string]>([
    ['this machine by default', {}, 'http://localhost:4318/v1/traces'],
    ['an endpoint of all signals', ENDPOINT, 'http://c:4318/v1/traces'],
    ['one with a path', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otel/' }, 'https://c/otel/v1/traces'],
    [
      'one for traces, as it is',
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1' },
      'http://t:1/',
    ],
  ])('%s', async (_, variables, url) => {
    expect((await settingsOf(variables)).otlp?.url.href).toBe(url);
  });

  test('credentials of the URL, headers, time and compression go with them', async () => {
    const { otlp } = await settingsOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:p%40ss@c:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b,API-Key=common,',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=own=1',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '500',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    });
    expect(otlp).toMatchObject({
      headers: {
        authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
        'x-tenant': 'a b',
        'api-key': 'own=1',
      },
      timeoutMs: 500,
      gzip: true,
      tls: {},
    });
    expect(otlp?.url.href).toBe('http://c:4318/v1/traces');
  });

  test('certificates are read from their files', async () => {
    await using folder = await tempFolder('otlp');
    const path = join(folder.path, 'ca.pem');
    await writeFile(path, 'PEM');
    const { otlp } = await settingsOf({ OTEL_EXPORTER_OTLP_CERTIFICATE: path });
    expect(otlp?.tls).toEqual({ ca: 'PEM' });
  });
});

test('what spans have in common: the name, and what the operator adds', async () => {
  expect((await settingsOf({})).resource).toEqual({ 'service.name': 'regcache' });
  const added = { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=live,service.name=a' };
  expect((await settingsOf(added)).resource).toEqual({
    'service.name': 'a',
    'deployment.environment.name': 'live',
  });
  const named = await settingsOf({ ...added, OTEL_SERVICE_NAME: 'china' });
  expect(named.resource).toMatchObject({ 'service.name': 'china' });
});

test.each<[Variables, TraceSettings['sampler']]>([
  [{}, { byParent: true, ratio: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, { byParent: false, ratio: 1 }],
  [{ OTEL_TRACES_SAMPLER: 'always_off' }, { byParent: false, ratio: 0 }],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { byParent: true, ratio: 0 }],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio' }, { byParent: false, ratio: 1 }],
  [
    { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' },
    { byParent: true, ratio: 0.01 },
  ],
])('the sampler of %o', async (variables, sampler) => {
  expect((await settingsOf(variables)).sampler).toEqual(sampler);
});

test('batches and propagators', async () => {
  expect(await settingsOf({})).toMatchObject({
    batch: {
      maxQueueSize: 2048,
      maxExportBatchSize: 512,
      scheduledDelayMillis: 5_000,
      exportTimeoutMillis: 30_000,
    },
    propagators: new Set(['tracecontext', 'baggage']),
  });
  const set = await settingsOf({
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_SCHEDULE_DELAY: '1',
    OTEL_BSP_EXPORT_TIMEOUT: '2',
    OTEL_PROPAGATORS: 'tracecontext',
  });
  // No batch is larger than the queue.
  expect(set).toMatchObject({
    batch: { maxQueueSize: 100, maxExportBatchSize: 100, scheduledDelayMillis: 1, exportTimeoutMillis: 2 },
    propagators: new Set(['tracecontext']),
  });
  expect((await settingsOf({ OTEL_PROPAGATORS: 'none' })).propagators).toEqual(new Set());
});

describe('what is wrong is told, and something sensible is done instead', () => {
  test.each<[Variables, string]>([
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL is grpc'],
    [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, 'by http/protobuf'],
    [{ OTEL_TRACES_EXPORTER: 'otlp,zipkin' }, 'OTEL_TRACES_EXPORTER names zipkin'],
    [{ OTEL_PROPAGATORS: 'b3,tracecontext' }, 'OTEL_PROPAGATORS names b3'],
    [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'parentbased_always_on is used'],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, '1 is used'],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: '-1' }, 'OTEL_BSP_MAX_QUEUE_SIZE is -1'],
    [{ OTEL_EXPORTER_OTLP_TIMEOUT: '99999999999' }, 'the default is used'],
    [{ OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, 'only gzip and none'],
    [{ OTEL_EXPORTER_OTLP_CERTIFICATE: '/does/not/exist.pem' }, '/does/not/exist.pem'],
    [{ OTEL_RESOURCE_ATTRIBUTES: 'nothing' }, 'OTEL_RESOURCE_ATTRIBUTES holds'],
  ])('%o', async (variables, words) => {
    const { settings, warnings } = await read({ OTEL_TRACES_EXPORTER: 'otlp', ...variables });
    expect(warnings).toEqual([expect.stringContaining(words)]);
    expect(settings?.otlp).toBeDefined();
  });

  test.each(['collector:4317', 'grpc://c:4317', '://', 'unix:/s'])(
    'an endpoint that is none (%s): nothing is sent',
    async (endpoint) => {
      const { settings, warnings } = await read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect([settings, warnings]).toEqual([
        undefined,
        [expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL')],
      ]);
    },
  );

  test('and no secret is in it', async () => {
    const { settings, warnings } = await read({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:geheim@c',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://me:geheim@c:4318',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=geheim%0d%0ax: y,b=geheim%,geheim',
    });
    expect(warnings).toHaveLength(4);
    expect(warnings.join('\n')).not.toContain('geheim');
    expect(settings?.otlp?.headers).toEqual({ authorization: expect.stringMatching(/^Basic /) as string });
  });
});
