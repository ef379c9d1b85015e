import type { IncomingHttpHeaders } from 'node:http';
import type { UpstreamFailure } from './event.ts';

/** Tells a collector where requests spend their time. There is none where nobody asked for traces. */
export interface Tracer {
  /**
   * Begins the span of a request that came in: it goes on with the trace that the headers name, if they name one, and
   * ends with the `request` event of the same id.
   */
  begin(request: TracedRequest): RequestSpan;
}

export interface TracedRequest {
  /** As in the request's event. */
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
}

/** A request's place in its trace. */
export interface RequestSpan {
  /** As in `traceparent`: the same at every hop. */
  readonly traceId: string;
  /** Begins the span of a question to a hop on behalf of this request, which may have ended already. */
  ask(question: TracedQuestion): QuestionSpan;
  /** Notes whose question has answered this request, where it was not its own. */
  joins(other: RequestSpan | undefined): void;
}

export interface TracedQuestion {
  readonly method: 'GET' | 'HEAD';
  /** Where to, without credentials and without a query. */
  readonly url: string;
  /** The part of the content that is asked for, as in `Range`. */
  readonly range: string | undefined;
  readonly namespace: string;
  readonly role: 'hop' | 'origin';
}

/** The time from a question to the end of its answer. */
export interface QuestionSpan {
  /** What tells the next hop which trace it is part of: for the hop itself and nobody else. */
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's head has come, from the host and port that the hop's redirects led to. */
  answered(status: number, host: string): void;
  /** The answer has ended well. */
  end(): void;
  /** The hop has failed; nothing more comes. */
  failed(failure: UpstreamFailure, reason: string): void;
  /** Whoever asked has given up; nothing more comes. */
  givenUp(reason: string): void;
}
