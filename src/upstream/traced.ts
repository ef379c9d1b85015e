import type { QuestionSpan } from '../telemetry/tracer.ts';
import { UpstreamError } from './error.ts';
import type { TransportResponse } from './transport.ts';

/** Lets a span see how a question goes: its answer's head, and the end of its body, which may come much later. */
export async function traced(
  sent: Promise<TransportResponse>,
  span: QuestionSpan,
): Promise<TransportResponse> {
  try {
    const response = await sent;
    span.answered(response.status, response.url.host);
    response.body.over.then(
      () => span.end(),
      (error: unknown) => endBadly(span, error),
    );
    return response;
  } catch (error) {
    endBadly(span, error);
    throw error;
  }
}

function endBadly(span: QuestionSpan, error: unknown): void {
  if (error instanceof UpstreamError) span.failed(error.kind, error.message);
  else span.givenUp(error instanceof Error ? error.message : String(error));
}
