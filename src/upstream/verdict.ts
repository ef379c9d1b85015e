import type { IncomingHttpHeaders } from 'node:http';
import { UpstreamError } from './error.ts';
import type { TransportResponse } from './transport.ts';

/** What an answer says about the way it came: fields that are passed on to the client. */
export interface Trail {
  readonly status: number;
  /** RFC 9211 entries of the hops behind, the origin's side first. */
  readonly cacheStatus: string | undefined;
  readonly serverTiming: string | undefined;
  /** The hops that the answer has passed (RFC 9110 section 7.6.3). */
  readonly via: string | undefined;
  /** Seconds since the content was validated at the origin (RFC 9111 section 5.1). */
  readonly ageSeconds: number;
}

/** The origin has answered, and its answer is no. */
export interface Refused {
  readonly kind: 'refused';
  /** `unknown`: there is no such thing; `denied`: this cache's credentials do not reach it. */
  readonly verdict: 'unknown' | 'denied';
  readonly trail: Trail;
}

/** Eight hops need less; more would not fit into what clients take of a header. */
const MAX_TRAIL_LENGTH = 2048;

export function readTrail(response: TransportResponse): Trail {
  const { headers, status } = response;
  const age = /^\d{1,9}$/.exec(single(headers, 'age') ?? '');
  const short = (name: string): string | undefined => {
    const value = single(headers, name);
    return (value?.length ?? 0) > MAX_TRAIL_LENGTH ? undefined : value;
  };
  return {
    status,
    cacheStatus: short('cache-status'),
    serverTiming: short('server-timing'),
    via: short('via'),
    ageSeconds: age === null ? 0 : Number(age[0]),
  };
}

/** A field's value; several lines of it are one list (RFC 9110 section 5.3). */
export function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * Judges an answer that is no success; its body is dropped.
 * @returns the origin's refusal
 * @throws {UpstreamError} where the hop itself failed or refused: only the origin's verdict counts
 */
export async function judge(response: TransportResponse, role: 'hop' | 'origin'): Promise<Refused> {
  const { status } = response;
  await response.body.discard();
  const trail = readTrail(response);
  switch (status) {
    case 401:
    case 403:
      if (role === 'hop' && !isFromBehind(trail)) throw hopRefused(status);
      return { kind: 'refused', verdict: 'denied', trail };
    case 404:
    case 410:
      if (role === 'hop' && !isFromBehind(trail)) throw hopRefused(status);
      return { kind: 'refused', verdict: 'unknown', trail };
    case 429:
    case 503:
      throw new UpstreamError('busy', `it answered ${status}`, { status, ...retryAfter(response) });
    case 508:
      throw new UpstreamError('status', 'it sees a loop in the chain', {
        status,
        hint: 'a hop of this chain pulls from itself: check `upstreamhosts` of each cache',
      });
    default:
      throw new UpstreamError('status', `it answered ${status}`, { status });
  }
}

/** A regcache hop marks what it was told from behind with `fwd-status`; other servers mark nothing. */
function isFromBehind(trail: Trail): boolean {
  if (trail.cacheStatus === undefined) return true;
  return /;\s*fwd-status=/.test(trail.cacheStatus.split(',').at(-1) ?? '');
}

function hopRefused(status: number): UpstreamError {
  return new UpstreamError('status', `the hop itself answered ${status}`, {
    status,
    hint: 'check that the hop serves this namespace (`originhost` there and here) and accepts this cache’s credentials',
  });
}

function retryAfter(response: TransportResponse): { retryAfterSeconds?: number } {
  const field = single(response.headers, 'retry-after') ?? '';
  if (/^\d{1,6}$/.test(field)) return { retryAfterSeconds: Number(field) };
  const atMs = Date.parse(field);
  const nowMs = Date.parse(single(response.headers, 'date') ?? '');
  if (Number.isNaN(atMs) || Number.isNaN(nowMs)) return {};
  return { retryAfterSeconds: Math.max(0, Math.ceil((atMs - nowMs) / 1000)) };
}
