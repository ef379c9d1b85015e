import type { Clock } from '../async/clock.ts';
import type { Namespace } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Listing, Upstream } from '../upstream/upstream.ts';
import { failure, refusal } from './not-pulled.ts';
import type { NotPulled, Passage, Pull } from './pull.ts';

export interface ListingPull extends Omit<Pull, 'repository'> {
  readonly namespace: Namespace;
  readonly listing: Exclude<Listing, { kind: 'referrers' }>;
  /** Which page, as the client asked for it. */
  readonly query: URLSearchParams;
}

export interface PulledList {
  readonly kind: 'list';
  readonly bytes: Buffer;
  /** The upstream's `Link` field, to be rewritten. */
  readonly link: string | undefined;
  /** The upstream's `OCI-Filters-Applied`. */
  readonly filtersApplied: string | undefined;
  /** Seconds since the answer was validated at the origin. */
  readonly ageSeconds: number;
  readonly passage: Passage;
}

export interface ListingDeps {
  readonly upstreamOf: (of: { readonly namespace: Namespace }) => Upstream;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Asks the upstream for a page of tags or repositories: which there are is the origin's to say, so nothing is kept. */
export async function pullListing(pull: ListingPull, deps: ListingDeps): Promise<PulledList | NotPulled> {
  const { clock, telemetry } = deps;
  const { namespace, listing, passport, query, signal } = pull;
  const upstream = deps.upstreamOf({ namespace });
  const startedMs = clock.monotonic();
  try {
    const answer = await upstream.list(listing, query, passport, signal);
    const upstreamMs = clock.monotonic() - startedMs;
    if (answer.kind === 'refused') return refusal(answer, 'NAME_UNKNOWN', upstreamMs);
    const { bytes, link, filtersApplied, trail } = answer;
    const passage: Passage = { outcome: 'miss', trail, upstreamMs };
    return { kind: 'list', bytes, link, filtersApplied, ageSeconds: trail.ageSeconds, passage };
  } catch (error) {
    const request =
      listing.kind === 'tags' ? `tags of ${namespace}/${listing.name}` : `catalog of ${namespace}`;
    return failure(error, { telemetry, upstream: upstream.name, request }, clock.monotonic() - startedMs);
  }
}
