import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { rm } from 'node:fs/promises';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../async/clock.ts';
import { listen, type ListenAddress } from './listen.ts';
import { admits, type ServerTls } from './server-tls.ts';

export interface ServerOptions {
  readonly listen: ListenAddress;
  /** Undefined for a plain server. */
  readonly tls: ServerTls | undefined;
  readonly headerSizeBytes: number;
  /** From the connection, or the last answer, to the end of a request's headers. */
  readonly headerTimeMs: number;
  readonly connections: number;
}

/** Longer than any client keeps its own, containerd's 30 s before all: the client closes first. */
const KEEP_ALIVE_MS = 75_000;
/** A socket on which nothing at all moves. */
const STALLED_MS = 10 * 60_000;
const HANDSHAKE_MS = 10_000;
const TICK_MS = 50;
const NO_TUNNELS =
  'HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/** A listening HTTP or HTTPS server. */
export class HttpServer {
  readonly url: string;
  /** Undefined for a socket file. */
  readonly port: number | undefined;
  readonly #server: Server | TlsServer;
  readonly #options: ServerOptions;
  #openRequests = 0;
  #draining = false;

  private constructor(server: Server | TlsServer, options: ServerOptions) {
    this.#server = server;
    this.#options = options;
    const address = server.address();
    this.port = typeof address === 'object' ? address?.port : undefined;
    this.url = urlOf(options, this.port);
  }

  /**
   * Starts to listen.
   * @throws {UserError} ADDRESS_IN_USE, ADDRESS_UNUSABLE, CERTIFICATE_INVALID
   */
  static async listen(options: ServerOptions): Promise<HttpServer> {
    const settings = {
      maxHeaderSize: options.headerSizeBytes,
      headersTimeout: options.headerTimeMs,
      connectionsCheckingInterval: 1_000,
      requestTimeout: 60_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      noDelay: true,
    };
    const server =
      options.tls === undefined
        ? createServer(settings)
        : createTlsServer({
            ...settings,
            handshakeTimeout: HANDSHAKE_MS,
            ALPNProtocols: ['http/1.1'],
            ...options.tls,
          });
    const clientRule = options.tls?.clientRule;
    if (clientRule !== undefined) {
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        if (!admits(clientRule, socket)) socket.destroy();
      });
    }
    server.on('connect', (_request, socket) => socket.end(NO_TUNNELS));
    server.maxConnections = options.connections;
    server.timeout = STALLED_MS;
    await listen(server, options.listen);
    return new HttpServer(server, options);
  }

  /** Answers requests from now on; to be called as soon as it listens. */
  serve(listener: RequestListener): void {
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#openRequests += 1;
      response.once('close', () => {
        this.#openRequests -= 1;
      });
      if (this.#draining) response.setHeader('connection', 'close');
      listener(request, response);
    });
  }

  /** Answers that are still running. */
  get openRequests(): number {
    return this.#openRequests;
  }

  /** Uses another certificate for new connections; nothing happens on a plain server. */
  renewTls(tls: ServerTls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }

  /** Takes no new connection, lets running answers end for as long as given, then cuts what is left. */
  async drain(drainMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
    this.#draining = true;
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    const until = clock.monotonic() + drainMs;
    while (this.#openRequests > 0 && clock.monotonic() < until && !signal.aborted) {
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
    this.#server.closeAllConnections();
    await closed.promise;
    if (this.#options.listen.kind === 'unix') await rm(this.#options.listen.path, { force: true });
  }
}

function urlOf(options: ServerOptions, port: number | undefined): string {
  if (options.listen.kind === 'unix') return `unix://${options.listen.path}`;
  const host = options.listen.host ?? '0.0.0.0';
  const scheme = options.tls === undefined ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port ?? ''}`;
}
