import { RegistryError, type RegistryErrorCode } from '../oci/error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { Refused, Trail } from '../upstream/verdict.ts';
import type { NotPulled, Passage } from './pull.ts';

const RETRY_AFTER_S = 5;

/** Turns the origin's refusal into the answer for the client: `unknown` is the noun's own code. */
export function refusal(
  refused: Refused,
  unknown: Extract<RegistryErrorCode, 'BLOB_UNKNOWN' | 'MANIFEST_UNKNOWN' | 'NAME_UNKNOWN'>,
  upstreamMs: number,
): NotPulled {
  const passage: Passage = { outcome: 'miss', missReason: 'refused', trail: refused.trail, upstreamMs };
  const error =
    refused.verdict === 'unknown' ? new RegistryError(unknown, 'the origin does not have it') : denial();
  return { kind: 'not-pulled', error, passage };
}

/**
 * Turns a failure of the upstream into the answer for the client and tells the operator why. The client is
 * told to come back, so that containerd walks on to its next host at once; never the upstream's name or words.
 * @throws whatever is no failure of the upstream
 */
export function failure(
  error: unknown,
  what: { readonly telemetry: Telemetry; readonly upstream: string; readonly request: string },
  upstreamMs: number,
): NotPulled {
  if (!(error instanceof UpstreamError)) throw error;
  const { telemetry, upstream, request } = what;
  telemetry.emit({ kind: 'upstream-failed', upstream, request, reason: error.message, hint: error.hint });
  const { kind, status } = error;
  const denied = kind === 'auth' && (status === 401 || status === 403);
  const trail = denied ? deniedTrail(status) : undefined;
  return {
    kind: 'not-pulled',
    error: denied ? denial() : unavailable(error),
    passage: { outcome: 'miss', missReason: denied ? 'refused' : 'failed', trail, upstreamMs },
  };
}

/** The answer while an upstream is remembered to send wrong bytes for the digest. */
export function sentWrongBytes(): NotPulled {
  const error = new RegistryError(
    'UNAVAILABLE',
    'the upstream sent wrong bytes for this digest a short while ago',
    {
      status: 502,
      retryAfterSeconds: 60,
    },
  );
  const passage: Passage = {
    outcome: 'miss',
    missReason: 'failed',
    trail: undefined,
    upstreamMs: undefined,
  };
  return { kind: 'not-pulled', error, passage };
}

/** The origin's token service has spoken for the origin: the next hop is to take it as the origin's verdict. */
function deniedTrail(status: number): Trail {
  return { status, cacheStatus: undefined, serverTiming: undefined, via: undefined, ageSeconds: 0 };
}

function denial(): RegistryError {
  return new RegistryError('DENIED', 'the origin denies it to this cache');
}

function unavailable(error: UpstreamError): RegistryError {
  if (error.kind === 'busy') {
    return new RegistryError('UNAVAILABLE', 'the upstream asks for a pause', {
      status: 503,
      retryAfterSeconds: error.retryAfterSeconds ?? RETRY_AFTER_S,
      cause: error,
    });
  }
  if (error.status === 508) {
    return new RegistryError('UNSUPPORTED', 'the chain of caches is a loop', { status: 508, cause: error });
  }
  const timedOut = error.kind === 'timeout';
  return new RegistryError(
    'UNAVAILABLE',
    timedOut ? 'the upstream did not answer in time' : 'the upstream failed',
    {
      status: timedOut ? 504 : 502,
      retryAfterSeconds: RETRY_AFTER_S,
      cause: error,
    },
  );
}
