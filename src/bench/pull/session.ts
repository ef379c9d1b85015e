import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SecureContext } from 'node:tls';
import type { Authorizer } from '../../upstream/authorizer.ts';

/** A registry as a client is pointed at it. */
export interface Endpoint {
  readonly url: URL;
  readonly trust: SecureContext | undefined;
  /** Makes what answers its challenges, anew for each pull as clients do; undefined where nobody has credentials. */
  readonly authorizer: (() => Authorizer) | undefined;
  /** Sent as `?ns=` by clients that do so. */
  readonly namespace: string | undefined;
}

/** An answer whose body is still to come. */
export interface SessionAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: IncomingMessage;
  /** Whether a connection was opened for it. */
  readonly newConnection: boolean;
}

const MOST_REDIRECTS = 5;
const IDLE_MS = 60_000;

/** The connections of one pull. */
export class Session implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #agents: Readonly<Record<string, HttpAgent | HttpsAgent>>;
  readonly #authorizer: Authorizer | undefined;

  constructor(endpoint: Endpoint, { keepsConnections }: { readonly keepsConnections: boolean }) {
    this.#endpoint = endpoint;
    this.#authorizer = endpoint.authorizer?.();
    const options = { keepAlive: keepsConnections, noDelay: true };
    this.#agents = {
      'http:': new HttpAgent(options),
      // Clients written in Go open each TLS session anew.
      'https:': new HttpsAgent({ ...options, maxCachedSessions: 0, secureContext: endpoint.trust }),
    };
  }

  /**
   * Asks the registry, answers its challenge, and follows redirects as clients do.
   * @throws {Error} where no answer comes; the signal's reason
   */
  async ask(
    method: 'GET' | 'HEAD',
    path: string,
    { accept, scope, signal }: { accept?: string; scope: string; signal: AbortSignal },
  ): Promise<SessionAnswer> {
    const { url: base, namespace } = this.#endpoint;
    let url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    if (namespace !== undefined) url.searchParams.set('ns', namespace);
    let sent = this.#authorizer?.known(scope);
    for (let redirects = 0; ; redirects += 1) {
      const trusted = url.origin === base.origin;
      let answer = await this.#send(method, url, headers(accept, trusted ? sent : undefined), signal);
      if (answer.status === 401 && trusted && this.#authorizer !== undefined) {
        const given = await this.#authorizer.answer(
          answer.headers['www-authenticate'] ?? '',
          scope,
          sent,
          signal,
        );
        if (given !== undefined) {
          answer.body.resume();
          sent = given;
          answer = await this.#send(method, url, headers(accept, sent), signal);
        }
      }
      const target = answer.status >= 300 && answer.status < 400 ? answer.headers['location'] : undefined;
      if (target === undefined || answer.status === 304) return answer;
      answer.body.resume();
      if (redirects === MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects`);
      const next = URL.canParse(target, url.href) ? new URL(target, url.href) : undefined;
      const safe = next?.protocol === 'https:' || (next?.protocol === 'http:' && url.protocol === 'http:');
      if (next === undefined || !safe) throw new Error('a redirect to where no client goes');
      url = next;
    }
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #send(
    method: string,
    url: URL,
    fields: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<SessionAnswer> {
    const options = { method, headers: fields, agent: this.#agents[url.protocol], signal };
    const sent = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    sent.setTimeout(IDLE_MS, () => sent.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
    sent.end();
    const [body] = (await once(sent, 'response')) as [IncomingMessage];
    return {
      status: body.statusCode ?? 0,
      headers: Object.fromEntries(
        Object.entries(body.headers).map(([name, value]) => [
          name,
          Array.isArray(value) ? value.join(', ') : (value ?? ''),
        ]),
      ),
      body,
      newConnection: !sent.reusedSocket,
    };
  }
}

function headers(accept: string | undefined, authorization: string | undefined): Record<string, string> {
  return {
    'user-agent': 'regcache-bench',
    ...(accept === undefined ? {} : { accept }),
    ...(authorization === undefined ? {} : { authorization }),
  };
}
