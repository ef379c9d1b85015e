import { describe, expect, it } from 'vitest';
import { RegistryError } from './error.ts';

describe('an error for a client', () => {
  it.each([
    ['BLOB_UNKNOWN', 404],
    ['DENIED', 403],
    ['DIGEST_INVALID', 400],
    ['MANIFEST_INVALID', 400],
    ['MANIFEST_UNKNOWN', 404],
    ['NAME_INVALID', 400],
    ['NAME_UNKNOWN', 404],
    ['PAGINATION_NUMBER_INVALID', 400],
    ['RANGE_INVALID', 416],
    ['TAG_INVALID', 400],
    ['TOOMANYREQUESTS', 429],
    ['UNAUTHORIZED', 401],
    ['UNAVAILABLE', 503],
    ['UNKNOWN', 500],
    ['UNSUPPORTED', 405],
  ] as const)('%s is answered with %i', (code, status) => {
    expect(new RegistryError(code, 'so it is').status).toBe(status);
  });

  it('may have a status of its own, headers, and a time to wait', () => {
    const error = new RegistryError('UNAVAILABLE', 'the upstream does not answer', {
      status: 504,
      retryAfterSeconds: 5,
      headers: { allow: 'GET' },
    });
    expect(error).toMatchObject({
      name: 'RegistryError',
      message: 'the upstream does not answer',
      code: 'UNAVAILABLE',
      status: 504,
      retryAfterSeconds: 5,
      headers: { allow: 'GET' },
    });
  });

  it('has none of them where none is given', () => {
    const error = new RegistryError('UNKNOWN', 'so it is');
    expect(error.headers).toEqual({});
    expect(error.retryAfterSeconds).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  it('keeps its cause, and shows it to nobody', () => {
    const cause = new Error('10.0.0.7 refused');
    const error = new RegistryError('UNAVAILABLE', 'so it is', { cause });
    expect(error.cause).toBe(cause);
    expect(JSON.stringify(error)).not.toContain('10.0.0.7');
  });

  it('is written as the specification has it', () => {
    const detail = { name: 'a/b' };
    expect(JSON.stringify(new RegistryError('NAME_UNKNOWN', 'no such repository', { detail }))).toBe(
      '{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository","detail":{"name":"a/b"}}]}',
    );
    expect(JSON.stringify(new RegistryError('DENIED', 'no'))).toBe(
      '{"errors":[{"code":"DENIED","message":"no"}]}',
    );
  });
});
