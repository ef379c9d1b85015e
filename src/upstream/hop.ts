import type { Clock } from '../async/clock.ts';
import { Authorizer } from './authorizer.ts';
import type { Credentials } from './credentials.ts';
import { UpstreamError } from './error.ts';
import { TokenSource } from './token.ts';
import type { Lane, Transport, TransportRequest, TransportResponse } from './transport.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface HopOptions {
  /** Scheme, host and port; no path. */
  readonly url: URL;
  readonly credentials: Credentials | undefined;
  readonly realms: readonly string[];
}

export interface HopRequest {
  readonly method: 'GET' | 'HEAD';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For the hop itself, and never for another host that it redirects to. */
  readonly ownHeaders?: Readonly<Record<string, string>> | undefined;
  /** What a token must allow, such as `repository:library/alpine:pull`. */
  readonly scope: string;
  readonly headersTimeoutMs: number;
  readonly lane: Lane;
}

export interface HopDeps {
  /** To the hop itself, with its client certificate. */
  readonly transport: Transport;
  /** To wherever it redirects: the same trust, no client certificate. */
  readonly foreign: Transport;
  readonly clock: Clock;
}

/** One server on the way to the origin: answers its challenges and follows its redirects. */
export class Hop {
  /** Host and port, as it may stand in logs. */
  readonly name: string;
  readonly #options: HopOptions;
  readonly #deps: HopDeps;
  readonly #authorizer: Authorizer;

  constructor(options: HopOptions, deps: HopDeps, headersTimeoutMs: number) {
    this.name = options.url.host;
    this.#options = options;
    this.#deps = deps;
    const { url: base, credentials, realms } = options;
    const tokens = new TokenSource({
      transport: deps.foreign,
      clock: deps.clock,
      base,
      credentials,
      realms,
      headersTimeoutMs,
    });
    this.#authorizer = new Authorizer(credentials, tokens);
  }

  /** Its scheme, host and port as a URL: without credentials. */
  get origin(): string {
    return this.#options.url.origin;
  }

  /**
   * Asks whether anybody answers, without credentials: a challenge is an answer too.
   * @throws {UpstreamError} or the signal's reason
   */
  async ping(path: string, headersTimeoutMs: number, signal: AbortSignal): Promise<TransportResponse> {
    const url = new URL(path, this.#options.url);
    return await this.#deps.transport.send(
      { method: 'GET', url, headers: { 'user-agent': 'regcache' }, headersTimeoutMs, lane: 'talk' },
      signal,
    );
  }

  /**
   * Sends a request and returns the final answer, whatever its status; the caller owns its body.
   * @throws {UpstreamError} or the signal's reason
   */
  async send(request: HopRequest, signal: AbortSignal): Promise<TransportResponse> {
    const known = this.#authorizer.known(request.scope);
    const first = await this.#follow(request, known, signal);
    if (first.status !== 401 || first.url.origin !== this.#options.url.origin) return first;
    const challenge = first.headers['www-authenticate'];
    if (challenge === undefined) return first;
    const field = Array.isArray(challenge) ? challenge.join(', ') : challenge;
    // Whatever comes of it, the connection is free again; judging drops the body anyway.
    await first.body.discard();
    const authorization = await this.#authorizer.answer(field, request.scope, known, signal);
    return authorization === undefined ? first : await this.#follow(request, authorization, signal);
  }

  async #follow(
    request: HopRequest,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<TransportResponse> {
    const base = this.#options.url;
    let url = new URL(request.path, base);
    for (let redirects = 0; ; redirects++) {
      const own = url.origin === base.origin;
      const given = authorization === undefined ? {} : { authorization };
      const headers = own ? { ...request.headers, ...request.ownHeaders, ...given } : request.headers;
      const { method, headersTimeoutMs, lane } = request;
      const response = await this.#once(own, { method, url, headers, headersTimeoutMs, lane }, signal);
      const location = response.headers.location;
      if (!REDIRECTS.has(response.status) || location === undefined) return response;
      await response.body.discard();
      if (redirects === MAX_REDIRECTS) throw new UpstreamError('redirect', 'it redirects too often');
      url = redirectTarget(location, url);
    }
  }

  /** A kept connection may have died since its last use: that costs one more try, at once. */
  async #once(own: boolean, request: TransportRequest, signal: AbortSignal): Promise<TransportResponse> {
    const transport = own ? this.#deps.transport : this.#deps.foreign;
    try {
      return await transport.send(request, signal);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.kind !== 'cut') throw error;
      return await transport.send(request, signal);
    }
  }
}

function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href))
    throw new UpstreamError('redirect', 'it redirects to what is no URL');
  const to = new URL(location, from);
  const downgrade = from.protocol === 'https:' && to.protocol !== 'https:';
  if (downgrade || !['http:', 'https:'].includes(to.protocol) || to.username !== '' || to.password !== '') {
    throw new UpstreamError('redirect', 'it redirects to where a safe client does not follow', {
      hint: 'redirects must stay on https, without a user name in the URL',
    });
  }
  return to;
}
