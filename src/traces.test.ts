import { afterEach, describe, expect, test } from 'vitest';
import { hangsUp, redirectsTo, says, saysJson, sends, challenges } from '../fixtures/behaviour.ts';
import type { CollectedSpan } from '../fixtures/otlp-message.ts';
import { type RunningCache, startCache } from '../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../fixtures/stepped-blob.ts';
import { startTraceCollector, type TraceCollector } from '../fixtures/trace-collector.ts';
import { bytesContent, seededContent } from './bench/image/content.ts';
import { OCI_MANIFEST } from './oci/media-type.ts';

const BLOB = seededContent('traces', 100_000);
const BLOB_PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2,"layers":[]}'));
const TAG_PATH = '/v2/lib/app/manifests/v1';
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const TRACE_FIELDS = ['traceparent', 'tracestate', 'baggage'];

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function kept<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

interface World {
  readonly collector: TraceCollector;
  readonly origin: ScriptedUpstream;
  readonly asia: RunningCache;
  readonly china: RunningCache;
}

/** Spans are sent as soon as they end. */
function traced(
  collector: TraceCollector,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '1', ...more };
}

async function chain(env?: Readonly<Record<string, string>>): Promise<World> {
  const collector = await kept(startTraceCollector());
  const origin = await kept(startScriptedUpstream());
  const common = { origin: origin.url, env: env ?? traced(collector) };
  const asia = await kept(startCache({ ...common, downstream: ['name: asia', 'prefetch: false'] }));
  const china = await kept(
    startCache({ ...common, hop: asia.url, downstream: ['name: china', 'prefetch: false'] }),
  );
  return { collector, origin, asia, china };
}

function only(spans: readonly CollectedSpan[], hop: string, kind: CollectedSpan['kind']): CollectedSpan {
  const found = spans.filter((span) => span.resource['regcache.hop'] === hop && span.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as CollectedSpan;
}

describe('a blob that no hop has', () => {
  test('is one trace: each hop’s request below the question of the hop before, the client’s trace above', async () => {
    const { collector, origin, asia, china } = await chain();
    origin.on('GET', BLOB_PATH, sends(BLOB));
    const answer = await china.ask(`${BLOB_PATH}?token=geheim`, {
      headers: { traceparent: CLIENT, tracestate: 'vendor=1', 'user-agent': 'containerd/2.1' },
    });
    expect((await answer.digest()).digest).toBe(BLOB.digest);
    const spans = await collector.collects(4);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    for (const hop of [china, asia]) expect(hop.told('request')).toMatchObject([{ traceId: TRACE_ID }]);
    const request = only(spans, 'china', 'server');
    const question = only(spans, 'china', 'client');
    const behind = only(spans, 'asia', 'server');
    const last = only(spans, 'asia', 'client');
    expect([request.parentSpanId, question.parentSpanId, behind.parentSpanId, last.parentSpanId]).toEqual([
      'b7ad6b7169203331',
      request.spanId,
      question.spanId,
      behind.spanId,
    ]);
    expect(origin.requests[0]?.headers).toMatchObject({
      traceparent: `00-${TRACE_ID}-${last.spanId}-01`,
      tracestate: 'vendor=1',
    });
    const { hostname, port, host: asiaHost } = new URL(asia.url);
    expect(request).toMatchObject({
      name: 'GET blob',
      status: { code: 'unset' },
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'http.response.body.size': BLOB.sizeBytes,
        'http.route': '/v2/{name}/blobs/{digest}',
        'url.scheme': 'http',
        'url.path': BLOB_PATH,
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(china.url).port),
        'client.address': '127.0.0.1',
        'user_agent.original': 'containerd/2.1',
        'regcache.outcome': 'miss',
        'regcache.miss_reason': 'new',
        'regcache.namespace': new URL(origin.url).host,
        'regcache.repository': 'lib/app',
        'regcache.reference': BLOB.digest,
      },
      resource: { 'service.name': 'regcache', 'regcache.hop': 'china' },
    });
    expect(question).toMatchObject({
      name: 'GET blob',
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'url.full': `${asia.url}${BLOB_PATH}`,
        'server.address': hostname,
        'server.port': Number(port),
        'regcache.upstream': asiaHost,
      },
    });
    expect(JSON.stringify(spans)).not.toContain('geheim');
  });

  test('belongs to the request that started its fill; whoever joins points there', async () => {
    const { collector, origin, asia } = await chain();
    const blob = new SteppedBlob(BLOB);
    origin.on('GET', BLOB_PATH, blob.answer);
    const asked = [asia.ask(BLOB_PATH), blob.asked().then(async () => asia.ask(BLOB_PATH))];
    await blob.sendTo(50_000);
    const [first, second] = await Promise.all(asked);
    first?.leave();
    const [left] = await collector.collects(1, ({ kind }) => kind === 'server');
    expect(left?.attributes['regcache.complete']).toBe(false);
    await blob.finish();
    expect((await second?.digest())?.digest).toBe(BLOB.digest);
    const spans = await collector.collects(3);
    const question = spans.find(({ kind }) => kind === 'client');
    expect([question?.parentSpanId, question?.traceId]).toEqual([left?.spanId, left?.traceId]);
    const joined = spans.find(({ attributes }) => attributes['regcache.outcome'] === 'joined');
    expect([joined?.links, joined?.traceId === left?.traceId]).toEqual([[left?.spanId], false]);
    expect(left?.links).toEqual([]);
  });
});

describe('what fails', () => {
  test('is an error of its span: a status, a hop that breaks off, an answer that is cut', async () => {
    const { collector, origin, asia } = await chain();
    origin.on('GET', TAG_PATH, says(404));
    origin.always('GET', '/v2/lib/app/manifests/v2', hangsUp());
    await (await asia.ask(TAG_PATH)).bytes();
    expect((await asia.ask('/v2/lib/app/manifests/v2')).status).toBe(502);
    const spans = await collector.collects(4);
    const of = (path: string, kind: string): Partial<CollectedSpan> | undefined =>
      spans.find(
        (span) =>
          span.kind === kind &&
          String(span.attributes['url.full'] ?? span.attributes['url.path']).endsWith(path),
      );
    expect(of('v1', 'client')).toMatchObject({
      status: { code: 'error' },
      attributes: { 'error.type': '404', 'http.response.status_code': 404 },
    });
    expect(of('v1', 'server')).toMatchObject({ status: { code: 'unset' } });
    expect(of('v2', 'client')).toMatchObject({
      status: { code: 'error', message: 'the connection was cut' },
      attributes: { 'error.type': 'cut' },
    });
    expect(of('v2', 'server')).toMatchObject({
      status: { code: 'error' },
      attributes: { 'error.type': '502', 'http.response.status_code': 502 },
    });
  });

  test('is told of an answer that had begun, too', async () => {
    const { collector, origin, asia } = await chain();
    origin.on('GET', BLOB_PATH, sends(BLOB, { wrongByteAt: 50_000 }));
    await (await asia.ask(BLOB_PATH)).drain();
    const [request] = await collector.collects(1, ({ kind }) => kind === 'server');
    expect(request).toMatchObject({
      status: { code: 'error' },
      attributes: { 'error.type': 'cut', 'regcache.complete': false },
    });
  });
});

describe('the fields of a trace', () => {
  test('go to the hop and to the origin, never to where they redirect, and never to token services', async () => {
    const { collector, origin, china, asia } = await chain();
    const elsewhere = await kept(startScriptedUpstream());
    const realm = await kept(startScriptedUpstream());
    elsewhere.on('GET', '/cdn', sends(BLOB));
    realm.on('GET', '/token', saysJson({ token: 't' }));
    const challenge = `Bearer realm="${realm.url}/token",service="s"`;
    const inner = redirectsTo(`${elsewhere.url}/cdn?signature=geheim`);
    origin.always('GET', BLOB_PATH, challenges(challenge, 'Bearer t', inner));
    await (await china.ask(BLOB_PATH, { headers: { baggage: 'user=ann' } })).bytes();
    expect(origin.requests).toHaveLength(2);
    for (const { headers } of origin.requests) expect(headers['traceparent']).toMatch(/^00-.*-01$/);
    for (const { headers } of [...elsewhere.requests, ...realm.requests])
      expect(TRACE_FIELDS.filter((field) => field in headers)).toEqual([]);
    expect([elsewhere.requests.length, realm.requests.length]).toEqual([1, 1]);
    const spans = await collector.collects(4);
    expect(only(spans, 'asia', 'client').attributes).toMatchObject({
      'http.response.status_code': 200,
      'regcache.redirected_to': new URL(elsewhere.url).host,
    });
    expect(JSON.stringify(spans)).not.toContain('geheim');
    expect(asia.told('warning')).toEqual([]);
  });

  test('baggage goes on to hops, within its bounds, and to no origin', async () => {
    const { origin } = await chain();
    const collector = await kept(startTraceCollector());
    const hop = await kept(startScriptedUpstream());
    const cache = await kept(startCache({ origin: origin.url, hop: hop.url, env: traced(collector) }));
    hop.always('HEAD', TAG_PATH, says(500));
    origin.always('HEAD', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST }));
    const hostile = Array.from({ length: 200 }, (_, index) => `k${index}=${'v'.repeat(60)}`).join(',');
    for (const baggage of ['user=ann,tier=%7Bgold%7D;p=1', hostile, '=,;,===,%zz=%zz, ,'])
      await cache.ask(TAG_PATH, { method: 'HEAD', headers: { baggage } });
    const [plain, bounded, none] = hop.requests.map(({ headers }) => headers['baggage']?.toString());
    expect(plain).toBe('user=ann,tier=%7Bgold%7D;p=1');
    expect(bounded?.split(',').length).toBeGreaterThan(1);
    expect(bounded?.length).toBeLessThanOrEqual(4096);
    expect(none).toBeUndefined();
    expect(origin.requests).toHaveLength(3);
    for (const { headers } of origin.requests) {
      expect(headers['traceparent']).toBeDefined();
      expect(headers['baggage']).toBeUndefined();
    }
  });

  test.each([
    ['is none', 'nonsense'],
    ['is all zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['has the wrong length', `${CLIENT}-more`],
    ['comes twice', `${CLIENT}, ${CLIENT}`],
  ])('that are malformed say nothing: a traceparent that %s', async (_, traceparent) => {
    const { collector, asia } = await chain();
    const answer = await asia.ask('/v2/', { headers: { traceparent, tracestate: 'a=1' } });
    expect(answer.status).toBe(200);
    const [span] = await collector.collects(1);
    expect(span).toMatchObject({ name: 'GET ping', parentSpanId: '', traceState: '' });
    expect(span?.traceId).not.toBe(TRACE_ID);
  });

  test('of a trace that is not recorded go on, and nothing is told', async () => {
    const { collector, origin, china } = await chain();
    origin.on('HEAD', BLOB_PATH, sends(BLOB));
    const unsampled = CLIENT.replace(/1$/, '0');
    await china.ask(BLOB_PATH, { method: 'HEAD', headers: { traceparent: unsampled } });
    await china.ask('/v2/');
    await collector.collects(1);
    expect(collector.spans.map(({ name }) => name)).toEqual(['GET ping']);
    expect(origin.requests[0]?.headers['traceparent']).toMatch(
      new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`),
    );
  });
});

test.each([
  ['by default', {}],
  [
    'with OTEL_SDK_DISABLED',
    { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  ],
  [
    'with the exporter none',
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
  ],
])('nothing is traced %s, and the client’s own fields go no further', async (_, env) => {
  const { origin, china } = await chain(env);
  origin.on('HEAD', BLOB_PATH, sends(BLOB));
  const headers = { traceparent: CLIENT, tracestate: 'a=1', baggage: 'user=ann' };
  expect((await china.ask(BLOB_PATH, { method: 'HEAD', headers })).status).toBe(200);
  expect(china.told('request')[0]?.traceId).toBeUndefined();
  expect(origin.requests).toHaveLength(1);
  expect(TRACE_FIELDS.filter((field) => field in (origin.requests[0]?.headers ?? {}))).toEqual([]);
});
