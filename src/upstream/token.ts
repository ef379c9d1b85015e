import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';
import { SharedTask } from '../async/shared-task.ts';
import type { Challenge } from './challenge.ts';
import { basicAuthorization, type Credentials, mayReceiveCredentials } from './credentials.ts';
import { UpstreamError } from './error.ts';
import type { Transport } from './transport.ts';

const MAX_TOKEN_BYTES = 64 * 1024;
const DEFAULT_LIFETIME_S = 60;
/** A token is not used in the last seconds of its life: it has to arrive while it is valid. */
const MARGIN_S = 5;

export interface TokenSourceDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  /** The registry that challenges. */
  readonly base: URL;
  readonly credentials: Credentials | undefined;
  /** Further realms that the operator lets have the credentials. */
  readonly realms: readonly string[];
  readonly headersTimeoutMs: number;
}

/**
 * Gets Bearer tokens from the realm that a challenge names, anonymous ones too, and keeps each until shortly
 * before it expires (Distribution's token authentication specification).
 */
export class TokenSource {
  readonly #deps: TokenSourceDeps;
  readonly #tokens = new LRUCache<string, { readonly token: string; readonly expiresAtMs: number }>({
    max: 10_000,
  });
  readonly #fetching = new SharedTask<string>();

  constructor(deps: TokenSourceDeps) {
    this.#deps = deps;
  }

  /** A token for `scope` that is still good, if one is held. */
  held(scope: string): string | undefined {
    const held = this.#tokens.get(scope);
    return held !== undefined && held.expiresAtMs > this.#deps.clock.now() ? held.token : undefined;
  }

  /** Forgets a token that the registry has refused. */
  forget(scope: string): void {
    this.#tokens.delete(scope);
  }

  /**
   * Answers a challenge.
   * @throws {UpstreamError} `auth` when the realm refuses or is not one
   */
  async fetch(challenge: Challenge, scope: string, signal: AbortSignal): Promise<string> {
    const { value } = await this.#fetching.run(scope, signal, () => this.#request(challenge, scope));
    return value;
  }

  async #request(challenge: Challenge, scope: string): Promise<string> {
    const url = this.#realm(challenge, scope);
    const { credentials, base, realms, transport, clock } = this.#deps;
    const trusted = credentials !== undefined && mayReceiveCredentials(url, base, realms);
    // The user name is as secret as the password.
    if (trusted) url.searchParams.set('account', credentials.username);
    const given = trusted ? { authorization: basicAuthorization(credentials) } : {};
    const startedMs = clock.now();
    const response = await transport.send(
      {
        method: 'GET',
        url,
        headers: { accept: 'application/json', 'accept-encoding': 'identity', ...given },
        headersTimeoutMs: this.#deps.headersTimeoutMs,
        lane: 'talk',
      },
      // Shared by all who wait for the token: bounded by the transport's timeouts, not by one client.
      new AbortController().signal,
    );
    if (response.status !== 200) {
      await response.body.discard();
      throw new UpstreamError('auth', `its token service answered ${response.status}`, {
        status: response.status,
        hint:
          credentials !== undefined && !trusted
            ? `credentials were kept back: ${url.origin} is another host; name it in \`realms\` if it may have them`
            : 'check the user name and password configured for it',
      });
    }
    const answer = readToken(await response.body.readAll(MAX_TOKEN_BYTES));
    const lifetimeMs = Math.max(0, answer.lifetimeS - MARGIN_S) * 1000;
    this.#tokens.set(scope, { token: answer.token, expiresAtMs: startedMs + lifetimeMs });
    return answer.token;
  }

  #realm(challenge: Challenge, scope: string): URL {
    const realm = challenge.parameters.get('realm') ?? '';
    if (!URL.canParse(realm)) throw new UpstreamError('auth', 'its challenge names no usable token realm');
    const url = new URL(realm);
    const insecure = url.protocol !== 'https:' && this.#deps.base.protocol === 'https:';
    if (insecure || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
      throw new UpstreamError('auth', 'its challenge names a token realm that is not safe to ask');
    }
    const service = challenge.parameters.get('service');
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope);
    return url;
  }
}

function readToken(body: Buffer): { readonly token: string; readonly lifetimeS: number } {
  const json = parseJson(body);
  const token = json['token'] ?? json['access_token'];
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) {
    throw new UpstreamError('auth', 'its token service sent no token');
  }
  const lifetime = json['expires_in'];
  return { token, lifetimeS: typeof lifetime === 'number' && lifetime > 0 ? lifetime : DEFAULT_LIFETIME_S };
}

function parseJson(body: Buffer): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
