import { request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { buildConnector, errors } from 'undici';
import { proxyRefusal, toProxyError } from './error.ts';
import { defaultPort, type Proxy, proxyFor, type ProxySettings } from './proxy-settings.ts';
import { connectToFirst, type Lookup } from './race-addresses.ts';

export interface ConnectorOptions {
  /** What upstreams are trusted by, and what this cache shows them. */
  readonly trust: SecureContext;
  /** From the name's resolution to the end of the upstream's TLS handshake, a proxy's tunnel in between. */
  readonly connectTimeoutMs: number;
  readonly proxy?: ProxySettings | undefined;
  /** What an https proxy is trusted by; the authorities that come with Node, without it. */
  readonly proxyTrust?: SecureContext | undefined;
  readonly lookup?: Lookup | undefined;
}

/**
 * How undici gets its connections: by the first address that answers, through a proxy where one is set, with TLS to
 * https upstreams. To an http upstream with a proxy it leads to the proxy itself. A proxy's failure is an
 * `UpstreamError` that says so.
 */
export function openConnector(options: ConnectorOptions): buildConnector.connector {
  const { trust, connectTimeoutMs } = options;
  const secure = buildConnector({ secureContext: trust, timeout: connectTimeoutMs, allowH2: false });
  return (target, callback) => {
    void handOver(new Connecting(options, secure, target).run(), callback);
  };
}

async function handOver(connecting: Promise<Socket>, callback: buildConnector.Callback): Promise<void> {
  let socket: Socket;
  try {
    socket = await connecting;
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)), null);
    return;
  }
  callback(null, socket);
}

/** One connection being made. */
class Connecting {
  readonly #options: ConnectorOptions;
  readonly #secure: buildConnector.connector;
  readonly #target: buildConnector.Options;
  readonly #deadline = new AbortController();
  #socket: Socket | undefined;

  constructor(options: ConnectorOptions, secure: buildConnector.connector, target: buildConnector.Options) {
    this.#options = options;
    this.#secure = secure;
    this.#target = target;
  }

  async run(): Promise<Socket> {
    const timer = setTimeout(() => {
      this.#deadline.abort(new errors.ConnectTimeoutError('no connection in time'));
      this.#socket?.destroy();
    }, this.#options.connectTimeoutMs);
    try {
      return await this.#connect();
    } catch (error) {
      this.#socket?.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #connect(): Promise<Socket> {
    const { protocol, hostname, port } = this.#target;
    const url = new URL(`${protocol}//${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`);
    const proxy = proxyFor(this.#options.proxy, url);
    const socket =
      proxy === undefined
        ? await this.#dial(url)
        : await this.#dialProxy(proxy, url).catch(this.#blame(proxy));
    if (protocol !== 'https:') return socket;
    return await this.#inTime(
      new Promise((resolve, reject) => {
        this.#secure({ ...this.#target, httpSocket: socket }, (error, secured) => {
          if (error === null) resolve(secured);
          else reject(error);
        });
      }),
    );
  }

  async #dial(url: URL): Promise<Socket> {
    const host = url.hostname.replaceAll(/[[\]]/g, '');
    const port = url.port === '' ? defaultPort(url) : Number(url.port);
    const { lookup } = this.#options;
    this.#socket = await this.#inTime(connectToFirst({ host, port, lookup }, this.#deadline.signal));
    return this.#socket;
  }

  /** Connects to the proxy, and to an https upstream through it. */
  async #dialProxy(proxy: Proxy, url: URL): Promise<Socket> {
    const plain = await this.#dial(proxy.url);
    const secured =
      proxy.url.protocol === 'https:' ? await this.#inTime(this.#secureProxy(plain, proxy)) : plain;
    return url.protocol === 'https:' ? await this.#inTime(openTunnel(secured, proxy, url)) : secured;
  }

  async #secureProxy(socket: Socket, { url }: Proxy): Promise<Socket> {
    const secureContext = this.#options.proxyTrust ?? createSecureContext();
    const host = url.hostname.replaceAll(/[[\]]/g, '');
    const name = isIP(host) === 0 ? { servername: host } : {};
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const secured = connectTls({ socket, secureContext, host, ...name, ALPNProtocols: ['http/1.1'] });
    secured.once('secureConnect', () => resolve(secured)).on('error', reject);
    return await promise;
  }

  #blame(proxy: Proxy): (error: unknown) => never {
    return (error) => {
      throw toProxyError(error, proxy);
    };
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#deadline;
    const { promise, reject } = Promise.withResolvers<never>();
    const late = (): void => reject(signal.reason);
    signal.addEventListener('abort', late, { once: true });
    try {
      signal.throwIfAborted();
      return await Promise.race([work, promise]);
    } finally {
      signal.removeEventListener('abort', late);
    }
  }
}

/**
 * Asks a proxy for a tunnel to a host (RFC 9110, section 9.3.6).
 * @throws {UpstreamError} where it refuses
 */
async function openTunnel(socket: Socket, proxy: Proxy, url: URL): Promise<Socket> {
  const authority = `${url.hostname}:${url.port === '' ? defaultPort(url) : url.port}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const asked = request({
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      'user-agent': 'regcache',
      ...(proxy.authorization === undefined ? {} : { 'proxy-authorization': proxy.authorization }),
    },
    createConnection: () => socket,
  });
  asked.on('error', reject);
  asked.on('connect', ({ statusCode = 0 }, tunnel: Socket, head: Buffer) => {
    if (statusCode < 200 || statusCode > 299) {
      reject(proxyRefusal(proxy, statusCode, authority));
      return;
    }
    if (head.length > 0) tunnel.unshift(head);
    resolve(tunnel);
  });
  asked.end();
  return await promise;
}
