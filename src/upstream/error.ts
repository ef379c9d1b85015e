import type { UpstreamFailure } from '../telemetry/event.ts';

export const SENT_WRONG_BYTES = 'it sent wrong bytes for this digest a short while ago';

/** The next hop failed: it could not be reached, broke off, or answered what no registry answers. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamFailure;
  /** What the operator can do about it. */
  readonly hint: string | undefined;
  /** HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Seconds, from the hop's `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    kind: UpstreamFailure,
    message: string,
    options: { hint?: string; status?: number; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options.hint;
    this.status = options.status;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Whether the same request may succeed when it is sent again soon. */
  get retryable(): boolean {
    switch (this.kind) {
      case 'connect':
      case 'timeout':
      case 'cut':
      case 'busy':
        return true;
      case 'status':
        return this.status !== undefined && this.status >= 500;
      case 'tls':
      case 'protocol':
      case 'redirect':
      case 'auth':
      case 'avoided':
        return false;
    }
  }
}

const TRUST_HINT = 'add the CA that signed its certificate to `cas`';
const TLS_FAULTS: Readonly<Record<string, { message: string; hint: string }>> = {
  CERT_HAS_EXPIRED: {
    message: 'its certificate has expired',
    hint: 'renew the certificate of that host, or check this machine’s clock',
  },
  CERT_NOT_YET_VALID: {
    message: 'its certificate is not valid yet',
    hint: 'check the clocks of both machines',
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: {
    message: 'its certificate is self-signed and not trusted',
    hint: TRUST_HINT,
  },
  SELF_SIGNED_CERT_IN_CHAIN: { message: 'its certificate is signed by an untrusted CA', hint: TRUST_HINT },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    message: 'its certificate is signed by an untrusted CA',
    hint: TRUST_HINT,
  },
  UNABLE_TO_GET_ISSUER_CERT: { message: 'its certificate is signed by an untrusted CA', hint: TRUST_HINT },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    message: 'its certificate is signed by an untrusted CA',
    hint: TRUST_HINT,
  },
  CERT_SIGNATURE_FAILURE: {
    message: 'its certificate is not signed by the trusted CA of that name',
    hint: TRUST_HINT,
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    message: 'its certificate is for another host name',
    hint: 'use the name that the certificate carries, or issue one with the right name',
  },
};

const CONNECT_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name resolution failed',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  ETIMEDOUT: 'no connection in time',
};

const CONNECT_HINT = 'check that the host is up, its address and port, and the network between';

/** Turns what undici, Node's TLS and its sockets report into one of the kinds above. */
export function toUpstreamError(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = codeOf(error);
  const fault = TLS_FAULTS[code];
  if (fault !== undefined) return new UpstreamError('tls', fault.message, { hint: fault.hint, cause: error });
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO' || code.startsWith('ERR_TLS_')) {
    return new UpstreamError('tls', 'the TLS handshake failed', {
      hint: 'check that the port speaks TLS, its versions and client certificates',
      cause: error,
    });
  }
  const connect = CONNECT_FAULTS[code];
  if (connect !== undefined)
    return new UpstreamError('connect', connect, { hint: CONNECT_HINT, cause: error });
  switch (code) {
    case 'UND_ERR_HEADERS_TIMEOUT':
      return new UpstreamError('timeout', 'no answer in time', { cause: error });
    case 'UND_ERR_BODY_TIMEOUT':
      return new UpstreamError('timeout', 'the answer stopped in its middle', { cause: error });
    case 'UND_ERR_CLOSED':
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_SOCKET':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return new UpstreamError('cut', 'the connection was cut', { cause: error });
    default:
      return new UpstreamError('protocol', 'the answer is not proper HTTP', { cause: error });
  }
}

/** What an error may say of a proxy. */
interface NamedProxy {
  readonly url: URL;
  readonly variable: string;
}

/** Tells that it was the proxy that failed, not what is behind it. */
export function toProxyError(error: unknown, { url, variable }: NamedProxy): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const { kind, message } = toUpstreamError(error);
  return new UpstreamError(kind === 'tls' ? 'tls' : 'connect', `the proxy ${url.host} failed: ${message}`, {
    hint: `check that the proxy in ${variable} is up and the right one; NO_PROXY names hosts that need none`,
    cause: error,
  });
}

/** Tells that a proxy answered instead of what is behind it; its status says nothing of the hop, and is not handed on. */
export function proxyRefusal({ url, variable }: NamedProxy, status: number, target: string): UpstreamError {
  const what =
    PROXY_REFUSALS[status] ?? (status >= 500 ? `cannot reach ${target}` : `refuses to connect to ${target}`);
  const hint =
    status === 407
      ? `put the right user:password@ before the host in ${variable}`
      : `ask whoever runs the proxy in ${variable}, or name the host in NO_PROXY if it can be reached without one`;
  return new UpstreamError('connect', `the proxy ${url.host} ${what} (${status})`, { hint });
}

const PROXY_REFUSALS: Readonly<Record<number, string>> = { 407: 'does not accept our credentials' };

/** A cause's code, looked for in the error, its causes, and the errors of several addresses tried. */
function codeOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string' && at.code !== 'UND_ERR_ABORTED') return at.code;
    if (at instanceof AggregateError) return codeOf(at.errors[0]);
  }
  return '';
}
