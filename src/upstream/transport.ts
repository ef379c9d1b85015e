import type { IncomingHttpHeaders } from 'node:http';
import type { SecureContext } from 'node:tls';
import { Agent, type buildConnector, type Dispatcher, errors } from 'undici';
import type { RateLimit } from '../async/rate-limit.ts';
import { ResponseBody } from './body.ts';
import { openConnector } from './connector.ts';
import { proxyRefusal, toUpstreamError, UpstreamError } from './error.ts';
import { type Proxy, proxyFor, type ProxySettings } from './proxy-settings.ts';
import type { Lookup } from './race-addresses.ts';
import { RoundTrips, startWait } from './round-trips.ts';

export interface TransportOptions {
  readonly trust: SecureContext;
  readonly connectTimeoutMs: number;
  /** The longest silence in the middle of a body. */
  readonly idleTimeoutMs: number;
  /** Connections to one host at a time; further requests wait. */
  readonly connections: number;
  /** Bounds the bytes a second of all bodies together; undefined for no bound. */
  readonly rateLimit?: RateLimit | undefined;
  /** Proxies on the way, undefined for none. */
  readonly proxy?: ProxySettings | undefined;
  /** What an https proxy is trusted by: never with a client certificate, which is the upstream's alone. */
  readonly proxyTrust?: SecureContext | undefined;
  /** Told of bytes of bodies that have come: each MiB, and at the end of each body. */
  readonly onReceived?: ((bytes: number, lane: Lane) => void) | undefined;
  /** Finds the addresses of a name; the system's own by default. */
  readonly lookup?: Lookup | undefined;
}

export type Lane = 'talk' | 'blob';

/** A body's progress is told in stretches of so many bytes. */
const TOLD_BYTES = 1024 * 1024;
/** The part of the connections that is kept for talk. */
const TALK_SHARE = 1 / 4;
/** As many as a far blob would get besides its first: connections that are open already serve its ranges. */
const MEASURED_AT_ONCE = 3;

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** What it is for: short questions never wait behind blobs, which may hold their connections for hours. */
  readonly lane: Lane;
  /** From the sent request to the answer's headers. */
  readonly headersTimeoutMs: number;
}

export interface TransportResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: ResponseBody;
  /** How far away whoever sent it is: the shortest of the last waits for it, in milliseconds. */
  readonly roundTripMs: number;
  /**
   * Asks whoever sent it again, by HEAD, over three connections at once.
   * @returns the shortest of the last waits then, in milliseconds
   */
  readonly measureMs: (signal: AbortSignal) => Promise<number>;
}

type Head = Omit<TransportResponse, 'measureMs'>;

/** Sends one HTTP request, and nothing more: no redirects, no credentials, no second try. */
export class Transport {
  readonly #lanes: Readonly<Record<Lane, Agent>>;
  readonly #idleTimeoutMs: number;
  readonly #rateLimit: RateLimit | undefined;
  readonly #proxy: ProxySettings | undefined;
  readonly #onReceived: ((bytes: number, lane: Lane) => void) | undefined;
  readonly #roundTrips = new RoundTrips();

  constructor(options: TransportOptions) {
    this.#proxy = options.proxy;
    this.#rateLimit = options.rateLimit;
    this.#onReceived = options.onReceived;
    this.#idleTimeoutMs = options.idleTimeoutMs;
    const talk = Math.floor(options.connections * TALK_SHARE);
    const connector = openConnector(options);
    const blob = openAgent(connector, options.connections - talk);
    this.#lanes = { blob, talk: talk === 0 ? blob : openAgent(connector, talk) };
  }

  /**
   * Resolves with the answer's head; its body is paused.
   * @throws {UpstreamError} or the signal's reason
   */
  async send(request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const head = await this.#send(request, signal);
    return { ...head, measureMs: async (until) => this.#measure(request, until) };
  }

  async #send(request: TransportRequest, signal: AbortSignal): Promise<Head> {
    signal.throwIfAborted();
    const { url } = request;
    const head = Promise.withResolvers<Head>();
    const forwarder = url.protocol === 'http:' ? proxyFor(this.#proxy, url) : undefined;
    const exchange = new Exchange(url, signal, head, {
      rateLimit: this.#rateLimit,
      forwarder,
      roundTrips: this.#roundTrips,
      onReceived: this.#onReceived,
      lane: request.lane,
    });
    const target = `${url.pathname}${url.search}`;
    this.#lanes[request.lane].dispatch(
      {
        origin: url.origin,
        // A forward proxy wants to know where to (RFC 9112, section 3.2.2).
        path: forwarder === undefined ? target : `${url.origin}${target}`,
        method: request.method,
        headers: { ...request.headers, ...proxyAuthorization(forwarder) },
        headersTimeout: request.headersTimeoutMs,
        bodyTimeout: this.#idleTimeoutMs,
        // Else undici closes the connection after each HEAD, and every question for a tag costs a handshake.
        reset: false,
      },
      exchange,
    );
    return await head.promise;
  }

  async #measure(request: TransportRequest, signal: AbortSignal): Promise<number> {
    const ask = async (): Promise<void> => {
      const { body } = await this.#send({ ...request, method: 'HEAD' }, signal);
      await body.discard();
    };
    await Promise.allSettled(Array.from({ length: MEASURED_AT_ONCE }, ask));
    return this.#roundTrips.shortestMs(request.url.origin);
  }

  /** Takes no new request and closes the connections when those that run have ended. */
  async retire(): Promise<void> {
    await Promise.all(this.#agents.map(async (agent) => agent.close()));
  }

  /** Closes every connection, those in use too. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#agents.map(async (agent) => agent.destroy()));
  }

  get #agents(): readonly Agent[] {
    return [...new Set(Object.values(this.#lanes))];
  }
}

function openAgent(connector: buildConnector.connector, connections: number): Agent {
  return new Agent({
    // One HTTP/2 connection would carry everything over one TCP stream: slower than several on a long link.
    allowH2: false,
    connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 600_000,
    maxHeaderSize: 64 * 1024,
    connect: connector,
  });
}

function proxyAuthorization(forwarder: Proxy | undefined): Record<string, string> {
  const { authorization } = forwarder ?? {};
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

/** What an exchange shares with others. */
interface Around {
  readonly rateLimit: RateLimit | undefined;
  readonly forwarder: Proxy | undefined;
  readonly roundTrips: RoundTrips;
  readonly onReceived: ((bytes: number, lane: Lane) => void) | undefined;
  readonly lane: Lane;
}

/** One request on its way: hands undici's callbacks to the head's promise and then to the body. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #signal: AbortSignal;
  readonly #head: PromiseWithResolvers<Head>;
  readonly #around: Around;
  /** Measures the wait from the sent request, whatever connecting has taken. */
  #waited = startWait();
  #controller: Dispatcher.DispatchController | undefined;
  #body: ResponseBody | undefined;
  #untoldBytes = 0;

  constructor(url: URL, signal: AbortSignal, head: PromiseWithResolvers<Head>, around: Around) {
    this.#around = around;
    this.#url = url;
    this.#signal = signal;
    this.#head = head;
    signal.addEventListener('abort', this.#leave, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#waited = startWait();
    if (this.#signal.aborted) this.#leave();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return;
    const { forwarder, rateLimit, roundTrips } = this.#around;
    if (forwarder !== undefined && isProxysOwn(status, headers)) {
      controller.abort(proxyRefusal(forwarder, status, this.#url.host));
      return;
    }
    const { origin } = this.#url;
    roundTrips.note(origin, this.#waited());
    this.#body = new ResponseBody(controller, (bytes) => rateLimit?.take(bytes, this.#signal));
    const roundTripMs = roundTrips.shortestMs(origin);
    this.#head.resolve({ url: this.#url, status, headers, body: this.#body, roundTripMs });
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#untoldBytes += chunk.length;
    if (this.#untoldBytes >= TOLD_BYTES) this.#tellReceived();
    this.#body?.push(chunk);
  }

  onResponseEnd(): void {
    this.#tellReceived();
    this.#signal.removeEventListener('abort', this.#leave);
    this.#body?.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#tellReceived();
    this.#signal.removeEventListener('abort', this.#leave);
    const reason: unknown = this.#signal.aborted ? this.#signal.reason : this.#fault(error);
    this.#head.reject(reason);
    this.#body?.end(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  }

  #tellReceived(): void {
    if (this.#untoldBytes > 0) this.#around.onReceived?.(this.#untoldBytes, this.#around.lane);
    this.#untoldBytes = 0;
  }

  /** The parser's complaint about a body is that its connection ended in the middle of a chunk. */
  #fault(error: Error): UpstreamError {
    if (this.#body === undefined || !(error instanceof errors.HTTPParserError)) return toUpstreamError(error);
    return new UpstreamError('cut', 'the answer broke off', { cause: error });
  }

  readonly #leave = (): void => {
    const reason: unknown = this.#signal.reason;
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason });
    this.#head.reject(error);
    this.#controller?.abort(error);
  };
}

/** Whether a forward proxy speaks for itself: by status, by Squid's own field, or by RFC 9209. */
function isProxysOwn(status: number, headers: IncomingHttpHeaders): boolean {
  if (status === 407) return true;
  const proxyStatus = String(headers['proxy-status'] ?? '');
  return status >= 400 && (headers['x-squid-error'] !== undefined || /;\s*error=/.test(proxyStatus));
}
