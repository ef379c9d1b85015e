import { TraceFlags } from '@opentelemetry/api';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { SpanLosses } from './span-losses.ts';
import type { BatchSettings } from './trace-settings.ts';

/** Ended spans on their way to an exporter, in batches; what it has no room for is told as lost. */
export class SpanQueue implements SpanProcessor {
  readonly #processor: BatchSpanProcessor;
  readonly #maxQueueSize: number;
  readonly #losses: SpanLosses;
  /** As many as the processor holds: it drops what is more, and tells nobody. */
  #waiting = 0;

  constructor(exporter: SpanExporter, batch: BatchSettings, losses: SpanLosses) {
    const counted: SpanExporter = {
      export: (spans, done) => {
        this.#waiting -= spans.length;
        exporter.export(spans, done);
      },
      shutdown: async () => exporter.shutdown(),
    };
    this.#processor = new BatchSpanProcessor(counted, { ...batch });
    this.#maxQueueSize = batch.maxQueueSize;
    this.#losses = losses;
  }

  onStart(): void {
    // Only ended spans are sent.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.#maxQueueSize) {
      const room = `OTEL_BSP_MAX_QUEUE_SIZE is ${this.#maxQueueSize}`;
      this.#losses.add(1, `more came than could be sent; ${room}, OTEL_TRACES_SAMPLER makes fewer`);
      return;
    }
    this.#waiting += 1;
    this.#processor.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#processor.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#processor.shutdown();
  }
}
