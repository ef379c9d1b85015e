import { RegistryError } from '../oci/error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { type Exchange, sendWhole } from './exchange.ts';
import { passageHeaders } from './passage-headers.ts';
import type { HopIdentity } from './via.ts';

/**
 * The one place that turns errors into answers. After the head is out, the connection ends short: no client may
 * take a part for the whole. A cause never reaches a client.
 */
export function sendError(exchange: Exchange, error: unknown, self: HopIdentity, telemetry: Telemetry): void {
  const { id, request, response, signal } = exchange;
  const what = `${request.method} ${request.url?.slice(0, 1024)}`;
  const reason = error instanceof Error ? error.message : String(error);
  if (response.headersSent && !signal.aborted)
    telemetry.emit({ kind: 'answer-cut', id, request: what, reason });
  if (!(error instanceof RegistryError) && !signal.aborted && !response.headersSent) {
    const stack = (error instanceof Error ? error.stack : undefined) ?? '';
    telemetry.emit({ kind: 'internal-error', request: what, reason, stack });
  }
  if (response.headersSent || signal.aborted) {
    response.destroy();
    return;
  }
  const known = error instanceof RegistryError ? error : new RegistryError('UNKNOWN', 'internal error');
  const retryAfter =
    known.retryAfterSeconds === undefined ? {} : { 'retry-after': String(known.retryAfterSeconds) };
  // containerd shows its user the status line of a refused push, and nothing of the body.
  if (known.status === 405) response.statusMessage = `Method Not Allowed: ${known.message}`;
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    ...passageHeaders(exchange.log.passage, self),
    ...retryAfter,
    ...known.headers,
  };
  sendWhole(exchange, known.status, headers, Buffer.from(`${JSON.stringify(known)}\n`));
}
