import { describe, expect, it } from 'vitest';
import type { UpstreamFailure } from '../telemetry/event.ts';
import { toUpstreamError, UpstreamError } from './error.ts';

function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error('from below', { cause }), { code });
}

describe('toUpstreamError', () => {
  it.each<[string, UpstreamFailure]>([
    ['ECONNREFUSED', 'connect'],
    ['ENOTFOUND', 'connect'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect'],
    ['UND_ERR_HEADERS_TIMEOUT', 'timeout'],
    ['UND_ERR_BODY_TIMEOUT', 'timeout'],
    ['UND_ERR_SOCKET', 'cut'],
    ['ECONNRESET', 'cut'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'cut'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
    ['HPE_INVALID_CONSTANT', 'protocol'],
    ['SOMETHING_NEW', 'protocol'],
  ])('takes %s for %s', (code, kind) => {
    const error = toUpstreamError(coded(code));
    expect(error.kind).toBe(kind);
    expect(error.cause).toMatchObject({ code });
  });

  it('finds the code in a cause, and in the first of several addresses tried', () => {
    expect(toUpstreamError(new Error('outer', { cause: coded('ECONNRESET') })).kind).toBe('cut');
    expect(toUpstreamError(coded('UND_ERR_ABORTED', coded('ECONNREFUSED'))).kind).toBe('connect');
    expect(toUpstreamError(new AggregateError([coded('EHOSTUNREACH'), coded('ENETUNREACH')])).message).toBe(
      'host unreachable',
    );
  });

  it('leaves an upstream error as it is, and takes what is no error for bad HTTP', () => {
    const error = new UpstreamError('busy', 'later');
    expect(toUpstreamError(error)).toBe(error);
    expect(toUpstreamError('what').kind).toBe('protocol');
  });

  it.each<[UpstreamFailure, number | undefined, boolean]>([
    ['connect', undefined, true],
    ['timeout', undefined, true],
    ['cut', undefined, true],
    ['busy', 429, true],
    ['status', 500, true],
    ['status', 404, false],
    ['status', undefined, false],
    ['tls', undefined, false],
    ['protocol', undefined, false],
    ['redirect', undefined, false],
    ['auth', 401, false],
  ])('counts %s with status %s as retryable: %s', (kind, status, retryable) => {
    const error = new UpstreamError(kind, 'x', status === undefined ? {} : { status });
    expect(error.retryable).toBe(retryable);
  });
});
