import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Passage } from '../cache/pull.ts';
import type { Repository } from '../oci/namespace.ts';

/** One request and its answer, with what the access log will say of them. */
export interface Exchange {
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the client leaves before its answer has ended. */
  readonly signal: AbortSignal;
  /** The client's address. */
  readonly client: string;
  readonly log: {
    repository?: Repository;
    reference?: string;
    passage?: Passage;
    bytesSent: number;
  };
}

/** Sends a head and a body that is in memory already; a HEAD gets the head alone. */
export function sendWhole(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Buffer | undefined,
): void {
  const { request, response, log } = exchange;
  response.writeHead(status, { 'content-length': body?.length ?? 0, ...headers });
  if (body === undefined || request.method === 'HEAD' || status === 304) {
    response.end();
    return;
  }
  log.bytesSent = body.length;
  response.end(body);
}

/** Whether an `If-None-Match` field holds this entity tag (RFC 9110 section 13.1.2; weak comparison). */
export function matchesTag(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  if (field.trim() === '*') return true;
  return field.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
