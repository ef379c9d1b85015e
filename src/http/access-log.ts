import type { MissReason } from '../telemetry/event.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Exchange } from './exchange.ts';

const MAX_LOGGED_LENGTH = 1024;

/** Tells that a request has ended: what becomes its line in the access log. */
export function emitRequest(exchange: Exchange, durationMs: number, telemetry: Telemetry): void {
  const { request, response, log } = exchange;
  telemetry.emit({
    kind: 'request',
    id: exchange.id,
    method: request.method ?? '',
    target: withoutUser(request.url ?? '').slice(0, MAX_LOGGED_LENGTH),
    status: response.statusCode,
    resource: log.resource,
    outcome: log.passage?.outcome,
    missReason: missReasonOf(log),
    namespace: log.repository?.namespace,
    repository: log.repository?.name,
    reference: log.reference,
    bytesSent: exchange.bytesSent,
    durationMs: rounded(durationMs),
    upstreamMs: log.passage?.upstreamMs === undefined ? undefined : rounded(log.passage.upstreamMs),
    client: exchange.client,
    userAgent: request.headers['user-agent']?.slice(0, MAX_LOGGED_LENGTH),
    traceId: exchange.span?.traceId,
    complete: response.writableFinished,
  });
}

/** A list is asked for anew each time: that it was is no news. */
function missReasonOf({ resource, passage }: Exchange['log']): MissReason | undefined {
  const isRead = resource === 'manifest' || resource === 'blob';
  return isRead && passage?.outcome === 'miss' ? passage.missReason : undefined;
}

/** A target in absolute form may carry a user name and a password. */
function withoutUser(target: string): string {
  return target.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, '$1//');
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
