import { BasicTracerProvider, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { SpanLosses } from './span-losses.ts';
import { SpanQueue } from './span-queue.ts';

function warningsOf(clock: ManualClock): { readonly warnings: string[]; readonly losses: SpanLosses } {
  const warnings: string[] = [];
  const telemetry = new Telemetry();
  telemetry.subscribe((event) => warnings.push(event.kind === 'warning' ? event.message : event.kind));
  return { warnings, losses: new SpanLosses({ clock, telemetry }) };
}

test('losses are told at once, then at most every ten minutes, and at the end', async () => {
  const clock = new ManualClock();
  const { warnings, losses } = warningsOf(clock);
  losses.add(1, 'refused');
  losses.add(5, 'refused');
  await clock.advance(599_999);
  losses.add(5, 'late');
  expect(warnings).toEqual(['traces: 1 span was lost: refused']);
  await clock.advance(1);
  losses.add(2, 'late again');
  expect(warnings.slice(1)).toEqual(['traces: 12 spans were lost: late again']);
  losses.add(3, 'the end');
  losses.tell();
  losses.tell();
  expect(warnings.slice(2)).toEqual(['traces: 3 spans were lost: the end']);
});

test('what there is no room for is lost, and what is sent makes room', async () => {
  const sent: (readonly ReadableSpan[])[] = [];
  const done: (() => void)[] = [];
  const exporter: SpanExporter = {
    export: (spans, tell) => {
      sent.push(spans);
      done.push(() => tell({ code: 0 }));
    },
    shutdown: async () => undefined,
  };
  const { warnings, losses } = warningsOf(new ManualClock());
  const batch = {
    maxQueueSize: 4,
    maxExportBatchSize: 2,
    scheduledDelayMillis: 60_000,
    exportTimeoutMillis: 60_000,
  };
  const queue = new SpanQueue(exporter, batch, losses);
  const tracer = new BasicTracerProvider({ spanProcessors: [queue] }).getTracer('test');
  const end = (...names: readonly string[]): void => {
    for (const name of names) tracer.startSpan(name).end();
  };
  // The first two go out at once, and until they have arrived the others wait.
  end('1', '2', '3', '4', '5', '6', '7', '8');
  expect(sent.flat().map(({ name }) => name)).toEqual(['1', '2']);
  expect(warnings).toEqual([
    expect.stringMatching(/^traces: 1 span was lost: .*OTEL_BSP_MAX_QUEUE_SIZE is 4/),
  ]);
  const ended = queue.shutdown();
  await Promise.resolve();
  await Promise.resolve();
  for (const each of done) each();
  await ended;
  expect(sent.flat().map(({ name }) => name)).toEqual(['1', '2', '3', '4', '5', '6']);
  losses.tell();
  expect(warnings.slice(1)).toEqual([expect.stringContaining('1 span was lost')]);
});
