import { type Context, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { RequestEvent } from '../telemetry/event.ts';
import type { QuestionSpan, RequestSpan, TracedQuestion } from '../telemetry/tracer.ts';
import { OtelQuestionSpan, questionAttributes, questionName } from './otel-question-span.ts';
import type { Propagation } from './propagation.ts';
import { type Arrival, requestAttributes, requestName } from './request-attributes.ts';

export interface RequestSpanDeps {
  readonly tracer: Tracer;
  readonly propagation: Propagation;
}

/** One request that came in: OpenTelemetry's conventions for HTTP servers. */
export class OtelRequestSpan implements RequestSpan {
  readonly #deps: RequestSpanDeps;
  readonly #span: Span;
  readonly #cameIn: Context;
  readonly #arrival: Arrival;

  /** @param cameIn with the span of whoever asks, if the request has named it */
  constructor(cameIn: Context, arrival: Arrival, deps: RequestSpanDeps) {
    this.#deps = deps;
    this.#arrival = arrival;
    // Its name is known once it has been read.
    this.#span = deps.tracer.startSpan('HTTP', { kind: SpanKind.SERVER }, cameIn);
    this.#cameIn = cameIn;
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  ask(question: TracedQuestion): QuestionSpan {
    const { tracer, propagation } = this.#deps;
    const attributes = questionAttributes(question);
    const context = trace.setSpan(this.#cameIn, this.#span);
    const span = tracer.startSpan(questionName(question), { kind: SpanKind.CLIENT, attributes }, context);
    const headers = propagation.headers(trace.setSpan(context, span), question.role);
    return new OtelQuestionSpan(span, question, headers);
  }

  joins(other: RequestSpan | undefined): void {
    if (!(other instanceof OtelRequestSpan) || other === this || !this.#span.isRecording()) return;
    this.#span.addLink({ context: other.#span.spanContext() });
  }

  /** Its answer could not be ended. */
  cut(reason: string): void {
    this.#span.setAttribute('error.type', 'cut');
    this.#span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
  }

  end(event: RequestEvent): void {
    if (this.#span.isRecording()) {
      this.#span.updateName(requestName(event));
      this.#span.setAttributes(requestAttributes(event, this.#arrival));
      if (event.status >= 500) this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
