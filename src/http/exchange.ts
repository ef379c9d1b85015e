import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Passage } from '../cache/pull.ts';
import type { Repository } from '../oci/namespace.ts';
import type { Resource } from '../telemetry/event.ts';
import type { RequestSpan } from '../telemetry/tracer.ts';

/** What an exchange tells while it runs and when it has ended. */
export interface ExchangeListener {
  /** So many more bytes of the body have been taken: told each MiB, and once before the end. */
  readonly onSent: (exchange: Exchange, bytes: number) => void;
  /** The answer has ended, well or not. */
  readonly onEnd: (exchange: Exchange, durationMs: number) => void;
}

/** A body's progress is told in stretches of so many bytes. */
const TOLD_BYTES = 1024 * 1024;

/** One request and its answer, with what the access log will say of them. */
export class Exchange {
  readonly id: string = randomUUID();
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client's address; a closed socket has none any more. */
  readonly client: string;
  readonly log: {
    resource?: Resource;
    repository?: Repository;
    reference?: string;
    passage?: Passage;
  } = {};
  /** Aborts when the client leaves before its answer has ended. */
  readonly signal: AbortSignal;
  /** Undefined where nothing is traced. */
  span: RequestSpan | undefined;

  readonly #listener: ExchangeListener;
  #bytesSent = 0;
  #untoldBytes = 0;

  constructor(request: IncomingMessage, response: ServerResponse, listener: ExchangeListener) {
    this.#listener = listener;
    this.request = request;
    this.response = response;
    this.client = request.socket.remoteAddress ?? '';
    const left = new AbortController();
    this.signal = left.signal;
    const startedMs = performance.now();
    response.once('close', () => {
      if (!response.writableFinished) left.abort(new Error('the client left'));
      if (this.#untoldBytes > 0) listener.onSent(this, this.#untoldBytes);
      listener.onEnd(this, performance.now() - startedMs);
    });
  }

  /** Of the body, as far as the connection has taken it. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** Counts bytes of the body that the connection has taken. */
  sent(bytes: number): void {
    this.#bytesSent += bytes;
    this.#untoldBytes += bytes;
    if (this.#untoldBytes < TOLD_BYTES) return;
    this.#listener.onSent(this, this.#untoldBytes);
    this.#untoldBytes = 0;
  }
}

/** As long as copying costs less than a second write. */
const ONE_WRITE_BYTES = 64 * 1024;

/**
 * Sends a head and a body that is in memory already; a HEAD gets the head alone. An answer without a body has the
 * length that `headers` tells, or none: 0 would be a claim about the content (RFC 9110 section 8.6).
 */
export function sendWhole(
  exchange: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Buffer | undefined,
): void {
  const { request, response } = exchange;
  response.writeHead(status, {
    ...(body === undefined || status === 304 ? {} : { 'content-length': body.length }),
    ...headers,
  });
  if (body === undefined || request.method === 'HEAD' || status === 304) {
    response.end();
    return;
  }
  exchange.sent(body.length);
  // Node sends a head and a text in one write, and a head and a buffer in two.
  if (body.length <= ONE_WRITE_BYTES) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/** Whether an `If-None-Match` field holds this entity tag (RFC 9110 section 13.1.2; weak comparison). */
export function matchesTag(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false;
  if (field.trim() === '*') return true;
  return field.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
