import { hostname } from 'node:os';
import type { Tracer as OtelApiTracer } from '@opentelemetry/api';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { TelemetryEvent } from '../telemetry/event.ts';
import type { RequestSpan, TracedRequest, Tracer } from '../telemetry/tracer.ts';
import { OtelRequestSpan } from './otel-request-span.ts';
import { OtlpExporter } from './otlp-exporter.ts';
import { Propagation } from './propagation.ts';
import { SpanLosses } from './span-losses.ts';
import { SpanQueue } from './span-queue.ts';
import type { TracerDeps } from './start-tracer.ts';
import type { SamplerSettings, TraceSettings } from './trace-settings.ts';

/** What the spans that are left get to be sent when the daemon ends. */
const LAST_FLUSH_MS = 2_000;

/** OpenTelemetry's SDK behind the daemon's own words; nothing of it is shared with another daemon in the process. */
export class OtelTracer implements Tracer {
  readonly #deps: TracerDeps;
  readonly #losses: SpanLosses;
  readonly #exporter: OtlpExporter | undefined;
  readonly #provider: BasicTracerProvider;
  readonly #tracer: OtelApiTracer;
  readonly #propagation: Propagation;
  readonly #open = new Map<string, OtelRequestSpan>();
  readonly #unsubscribe: () => void;

  constructor(settings: TraceSettings, deps: TracerDeps) {
    this.#deps = deps;
    this.#losses = new SpanLosses(deps);
    const { otlp, batch, console } = settings;
    this.#exporter = otlp && new OtlpExporter(otlp, { clock: deps.clock, losses: this.#losses });
    const spanProcessors: SpanProcessor[] = [];
    if (this.#exporter) spanProcessors.push(new SpanQueue(this.#exporter, batch, this.#losses));
    if (console) spanProcessors.push(new SimpleSpanProcessor(new ConsoleSpanExporter()));
    const resource = defaultResource().merge(
      resourceFromAttributes({
        'host.name': hostname(),
        'service.instance.id': deps.instanceId,
        ...(deps.version !== '' && { 'service.version': deps.version }),
        ...(deps.hopName !== undefined && { 'regcache.hop': deps.hopName }),
        ...settings.resource,
      }),
    );
    const sampler = samplerOf(settings.sampler);
    this.#provider = new BasicTracerProvider({ resource, sampler, spanProcessors });
    this.#tracer = this.#provider.getTracer('regcache');
    this.#propagation = new Propagation(settings.propagators);
    this.#unsubscribe = deps.telemetry.subscribe(this.#observe);
  }

  begin({ id, headers }: TracedRequest): RequestSpan {
    const arrival = { scheme: this.#deps.scheme, host: headers.host };
    const span = new OtelRequestSpan(this.#propagation.read(headers), arrival, {
      tracer: this.#tracer,
      propagation: this.#propagation,
    });
    this.#open.set(id, span);
    return span;
  }

  /**
   * Sends what is left, for a short time, and ends.
   * @param signal ends the sending at once
   */
  async close(signal: AbortSignal): Promise<void> {
    this.#unsubscribe();
    const sent = new AbortController();
    const late = this.#deps.clock
      .sleep(LAST_FLUSH_MS, AbortSignal.any([signal, sent.signal]))
      .catch(() => undefined);
    const flushed = this.#provider.shutdown().catch(() => undefined);
    await Promise.race([flushed, late]);
    sent.abort(new Error('sent'));
    await this.#exporter?.[Symbol.asyncDispose]();
    this.#losses.tell();
  }

  readonly #observe = (event: TelemetryEvent): void => {
    if (event.kind === 'answer-cut') this.#open.get(event.id)?.cut(event.reason);
    if (event.kind !== 'request') return;
    this.#open.get(event.id)?.end(event);
    this.#open.delete(event.id);
  };
}

function samplerOf({ ratio, byParent }: SamplerSettings): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return byParent ? new ParentBasedSampler({ root }) : root;
}
