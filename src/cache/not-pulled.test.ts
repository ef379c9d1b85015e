import { expect, test } from 'vitest';
import { Telemetry } from '../telemetry/telemetry.ts';
import type { UpstreamFailure } from '../telemetry/event.ts';
import { UpstreamError } from '../upstream/error.ts';
import { failure } from './not-pulled.ts';

function failed(error: unknown): ReturnType<typeof failure> {
  return failure(error, { telemetry: new Telemetry(), upstream: 'asia.test', request: 'a request' }, 12);
}

test.each<{ kind: UpstreamFailure; options?: object; expected: object }>([
  { kind: 'connect', expected: { status: 502, message: 'the upstream failed', retryAfterSeconds: 5 } },
  { kind: 'tls', expected: { status: 502, retryAfterSeconds: 5 } },
  { kind: 'status', options: { status: 500 }, expected: { status: 502 } },
  { kind: 'timeout', expected: { status: 504, message: 'the upstream did not answer in time' } },
  { kind: 'busy', expected: { status: 503, message: 'the upstream asks for a pause', retryAfterSeconds: 5 } },
  { kind: 'busy', options: { retryAfterSeconds: 0 }, expected: { status: 503, retryAfterSeconds: 0 } },
  {
    kind: 'status',
    options: { status: 508 },
    expected: {
      code: 'UNSUPPORTED',
      status: 508,
      message: 'the chain of caches is a loop',
      retryAfterSeconds: undefined,
    },
  },
])(
  'a failure of the kind $kind becomes an answer that hides the upstream: %j',
  ({ kind, options, expected }) => {
    const cause = new UpstreamError(kind, 'secret.host said no', options);
    const { error, passage } = failed(cause);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', ...expected, cause });
    expect(JSON.stringify(error)).not.toContain('secret.host');
    expect(passage).toEqual({ outcome: 'miss', missReason: 'failed', trail: undefined, upstreamMs: 12 });
  },
);

test('what is no failure of the upstream is thrown on', () => {
  const fault = new TypeError('a fault');
  expect(() => failed(fault)).toThrow(fault);
});
