import { once } from 'node:events';
import { BasicTracerProvider, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, describe, expect, test } from 'vitest';
import { says } from '../../fixtures/behaviour.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { startTraceCollector, type TraceCollector } from '../../fixtures/trace-collector.ts';
import { systemClock, type Clock } from '../async/clock.ts';
import { makeCertificateAuthority } from '../certs/certificate-authority.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import type { OtlpSettings } from './otlp-settings.ts';
import { SpanLosses } from './span-losses.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

/** A span that has ended. */
function endedSpan(name: string): ReadableSpan {
  const ended: ReadableSpan[] = [];
  const exporter = {
    export: (spans: ReadableSpan[]) => ended.push(...spans),
    shutdown: async () => undefined,
  };
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.getTracer('test').startSpan(name).end();
  return ended[0] as ReadableSpan;
}

interface Sender {
  readonly exporter: OtlpExporter;
  readonly warnings: readonly string[];
  /** Resolves when these have been sent or lost. */
  sends(...names: readonly string[]): Promise<void>;
}

function sender(url: string, settings: Partial<OtlpSettings> = {}, clock: Clock = systemClock): Sender {
  const warnings: string[] = [];
  const telemetry = new Telemetry();
  telemetry.subscribe((event) => warnings.push(event.kind === 'warning' ? event.message : event.kind));
  const losses = new SpanLosses({ clock, telemetry });
  const to = { url: new URL(`${url}/v1/traces`), headers: {}, timeoutMs: 10_000, gzip: false, tls: {} };
  const exporter = new OtlpExporter({ ...to, ...settings }, { clock, losses });
  opened.push(exporter);
  return {
    exporter,
    warnings,
    sends: async (...names) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      exporter.export(names.map(endedSpan), resolve);
      expect(await promise).toEqual({ code: 0 });
    },
  };
}

/** Waits until an exporter waits for its next try: one more sleeper is the time that all may take. */
async function pauses(clock: ManualClock): Promise<void> {
  while (clock.sleeping < 2) await new Promise(setImmediate);
}

async function collector(answer?: Answerer): Promise<TraceCollector> {
  const started = await startTraceCollector(answer === undefined ? {} : { answer });
  opened.push(started);
  return started;
}

describe('spans are sent', () => {
  test('in protobuf, with the headers that are configured, over one kept connection', async () => {
    const taker = await collector();
    const { sends, warnings } = sender(taker.url, { headers: { 'api-key': 'k' } });
    await sends('a', 'b');
    // A connection is free again some turns after its answer.
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    await sends('c');
    expect(taker.spans.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(taker.requests.map(({ headers }) => headers['api-key'])).toEqual(['k', 'k']);
    expect(taker.requests.map(({ connectionId }) => connectionId)).toEqual([1, 1]);
    expect(warnings).toEqual([]);
  });

  test('compressed', async () => {
    const taker = await collector();
    await sender(taker.url, { gzip: true }).sends('a');
    expect([taker.spans.length, taker.requests[0]?.headers['content-encoding']]).toEqual([1, 'gzip']);
  });

  test('by TLS, to whom the configured authority vouches for and nobody else', async () => {
    const authority = await makeCertificateAuthority('collector CA');
    const taker = await startTraceCollector({ tls: await authority.issue() });
    opened.push(taker);
    await sender(taker.url, { tls: { ca: authority.certificatePem } }).sends('a');
    expect(taker.spans).toHaveLength(1);
    const clock = new ManualClock();
    const { sends, warnings } = sender(taker.url, { timeoutMs: 1 }, clock);
    const sent = sends('b');
    await pauses(clock);
    await clock.advance(1);
    await sent;
    expect([taker.spans.length, warnings]).toEqual([
      1,
      [expect.stringMatching(/1 span was lost: .*certificate/)],
    ]);
  });
});

describe('a collector that takes nothing', () => {
  test('for a while is asked again, after as long as it says', async () => {
    const answers = [says(503, { 'retry-after': '2' }), says(502), says(200)];
    const clock = new ManualClock();
    const taker = await collector((exchange) => answers[taker.requests.length - 1]?.(exchange));
    const { sends, warnings } = sender(taker.url, {}, clock);
    const sent = sends('a');
    await pauses(clock);
    await clock.advance(1_999);
    expect(taker.requests).toHaveLength(1);
    await clock.advance(1);
    await pauses(clock);
    await clock.advance(1_500);
    await sent;
    expect([taker.requests.length, warnings]).toEqual([3, []]);
  });

  test.each([
    ['because it refuses them is not asked again', says(400), 'it answered 400'],
    [
      'and sends elsewhere is not followed',
      says(307, { location: 'http://127.0.0.1:1/' }),
      'it answered 307',
    ],
  ])('%s', async (_, answer, reason) => {
    const taker = await collector(answer);
    const { sends, warnings } = sender(taker.url);
    await sends('a', 'b');
    expect(taker.requests).toHaveLength(1);
    expect(warnings).toEqual([`traces: 2 spans were lost: ${taker.url}/v1/traces: ${reason}`]);
  });

  test('though it answers well says how many', async () => {
    // ExportTraceServiceResponse { partial_success { rejected_spans: 1, error_message: "old" } }
    const partial = Buffer.from([0x0a, 0x07, 0x08, 0x01, 0x12, 0x03, 0x6f, 0x6c, 0x64]);
    const taker = await collector(({ response }) => {
      response.end(partial);
    });
    const { sends, warnings } = sender(taker.url);
    await sends('a', 'b');
    expect(warnings).toEqual([expect.stringMatching(/1 span was lost: .* refused them: old$/)]);
  });

  test('because nobody is there: given up after the time it may take', async () => {
    const clock = new ManualClock();
    const gone = await startTraceCollector();
    await gone[Symbol.asyncDispose]();
    const { sends, warnings } = sender(gone.url, { timeoutMs: 3_000 }, clock);
    const sent = sends('a');
    for (const milliseconds of [1_000, 1_500, 500]) {
      await pauses(clock);
      await clock.advance(milliseconds);
    }
    await sent;
    expect(warnings).toEqual([expect.stringMatching(/1 span was lost: .*ECONNREFUSED/)]);
  });

  test('and never answers is left at once when the daemon ends', async () => {
    const asked = Promise.withResolvers<void>();
    const taker = await collector(() => asked.resolve());
    const { exporter, sends, warnings } = sender(taker.url, {}, new ManualClock());
    const sent = sends('a');
    await asked.promise;
    await exporter[Symbol.asyncDispose]();
    await sent;
    expect(warnings).toEqual([expect.stringContaining('the daemon has stopped')]);
  });

  test('and answers without end is not listened to without end', async () => {
    const left = Promise.withResolvers<unknown>();
    const taker = await collector(({ response }) => {
      left.resolve(once(response, 'close'));
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    const { sends, warnings } = sender(taker.url);
    await sends('a');
    await left.promise;
    expect(warnings).toEqual([]);
  });
});
