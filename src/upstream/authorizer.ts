import { type Challenge, parseChallenges } from './challenge.ts';
import { basicAuthorization, type Credentials } from './credentials.ts';
import type { TokenSource } from './token.ts';

/** Decides which `Authorization` a request to one hop carries, and learns it from that hop's challenges. */
export class Authorizer {
  readonly #credentials: Credentials | undefined;
  readonly #tokens: TokenSource;
  #basic = false;

  constructor(credentials: Credentials | undefined, tokens: TokenSource) {
    this.#credentials = credentials;
    this.#tokens = tokens;
  }

  /** What can be sent at once, before any challenge. */
  known(scope: string): string | undefined {
    const token = this.#tokens.held(scope);
    if (token !== undefined) return `Bearer ${token}`;
    return this.#basic && this.#credentials !== undefined ? basicAuthorization(this.#credentials) : undefined;
  }

  /**
   * Answers a 401's challenges.
   * @returns undefined where there is nothing (else) to answer with
   * @throws {UpstreamError} when the token service fails
   */
  async answer(
    field: string,
    scope: string,
    sent: string | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const challenges = parseChallenges(field);
    const bearer = find(challenges, 'bearer');
    if (bearer !== undefined) {
      const held = this.known(scope);
      // Another request was challenged at the same time and has a newer token already.
      if (held?.startsWith('Bearer ') === true && held !== sent) return held;
      this.#tokens.forget(scope);
      const token = `Bearer ${await this.#tokens.fetch(bearer, scope, signal)}`;
      return token === sent ? undefined : token;
    }
    if (find(challenges, 'basic') === undefined || this.#credentials === undefined) return undefined;
    const basic = basicAuthorization(this.#credentials);
    if (basic === sent) return undefined;
    this.#basic = true;
    return basic;
  }
}

function find(challenges: readonly Challenge[], scheme: string): Challenge | undefined {
  return challenges.find((challenge) => challenge.scheme === scheme);
}
