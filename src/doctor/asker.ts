import type { IncomingHttpHeaders } from 'node:http';
import { toUpstreamError, UpstreamError } from '../upstream/error.ts';
import type { ProxySettings } from '../upstream/proxy-settings.ts';
import { Transport } from '../upstream/transport.ts';
import { loadTrust } from '../upstream/trust.ts';
import type { Target } from './target.ts';

/** An answer, read to its end. */
export interface Asked {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** To the head of the answer. */
  readonly waitMs: number;
  /** From there to its end. */
  readonly readMs: number;
}

/** What could not be asked: the cache's own words for it. */
export interface NotAsked {
  readonly seen: string;
  readonly mend: string | undefined;
  readonly code: string;
}

export type Answer = ({ readonly ok: true } & Asked) | ({ readonly ok: false } & NotAsked);

export interface Question {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** A longer body is not read to its end. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 4 * 1024 * 1024;

/** Asks one question at a time, the way a cache does: its trust, its client certificate, its proxy. */
export class Asker implements AsyncDisposable {
  readonly #transport: Transport;
  readonly #timeoutMs: number;

  private constructor(transport: Transport, timeoutMs: number) {
    this.#transport = transport;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws {UserError} where a certificate or key file cannot be used */
  static async open(
    target: Pick<Target, 'caFiles' | 'clientCertificate'>,
    proxy: ProxySettings | undefined,
    timeoutMs: number,
  ): Promise<Asker> {
    const transport = new Transport({
      trust: await loadTrust(target),
      connectTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs,
      connections: 4,
      proxy,
    });
    return new Asker(transport, timeoutMs);
  }

  async ask(
    { method, url, headers = {}, maxBytes = MAX_BYTES }: Question,
    signal: AbortSignal,
  ): Promise<Answer> {
    const startedMs = performance.now();
    try {
      const answer = await this.#transport.send(
        {
          method,
          url,
          headers: { 'user-agent': 'regcache', 'accept-encoding': 'identity', ...headers },
          headersTimeoutMs: this.#timeoutMs,
          lane: 'talk',
        },
        AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
      );
      const atMs = performance.now();
      const body = await answer.body.readAll(maxBytes);
      const times = { waitMs: atMs - startedMs, readMs: performance.now() - atMs };
      return { ok: true, url, status: answer.status, headers: answer.headers, body, ...times };
    } catch (error) {
      if (error instanceof Error && ['TimeoutError', 'AbortError'].includes(error.name)) {
        return { ok: false, seen: 'no answer in time', mend: undefined, code: 'TIMEOUT' };
      }
      const { message, hint, cause } = error instanceof UpstreamError ? error : toUpstreamError(error);
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
      return { ok: false, seen: message, mend: hint, code };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }
}

/** A field's value; several lines of it are one list (RFC 9110 section 5.3). */
export function fieldOf({ headers }: Pick<Asked, 'headers'>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
