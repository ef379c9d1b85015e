import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import { repositoryKey } from '../oci/namespace.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { ListAnswer } from '../upstream/upstream.ts';
import type { ListingDeps, PulledList } from './listing.ts';
import type { Freshness } from './manifest-cache.ts';
import { failure, refusal } from './not-pulled.ts';
import type { NotPulled, Passage, Pull } from './pull.ts';
import { SharedQuestion } from './shared-question.ts';

export interface ReferrersPull extends Pull {
  readonly subject: Digest;
  /** `artifactType` and the page, as the client asked for them. */
  readonly query: URLSearchParams;
}

export interface ReferrersDeps extends ListingDeps {
  /** As it is now: it can change while the daemon runs. */
  readonly freshness: () => Freshness;
}

type HeldList = Extract<ListAnswer, { kind: 'found' }> & { readonly checkedAtMs: number };

const MEMORY_BYTES = 16 * 1024 * 1024;

/**
 * Lists of what refers to a manifest (distribution-spec, "Listing Referrers"): signatures, attestations, SBOMs. Each is
 * as fresh as a tag: asked again once `tagttl` is over, kept through an upstream's failure for `staleiferror`. They are
 * kept in memory only, so that a restart forgets them.
 */
export class ReferrersCache {
  readonly #deps: ReferrersDeps;
  readonly #held = new LRUCache<string, HeldList>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length + 1024,
  });
  readonly #questions = new SharedQuestion<PulledList | NotPulled>();

  constructor(deps: ReferrersDeps) {
    this.#deps = deps;
  }

  async pull(pull: ReferrersPull): Promise<PulledList | NotPulled> {
    const key = `${repositoryKey(pull.repository)}@${pull.subject}?${pull.query.toString()}`;
    const held = this.#held.get(key);
    const ageMs = held === undefined ? Infinity : this.#deps.clock.now() - held.checkedAtMs;
    if (held !== undefined && ageMs < this.#deps.freshness().tagTtlMs) return pulled(held, ageMs, HIT);
    const { value, started } = await this.#questions.run(key, pull, () => this.#ask(pull, key));
    if (started || value.kind !== 'list' || value.passage.outcome !== 'miss') return value;
    return { ...value, passage: { ...value.passage, outcome: 'joined' } };
  }

  async #ask(pull: ReferrersPull, key: string): Promise<PulledList | NotPulled> {
    const { clock, telemetry, upstreamOf } = this.#deps;
    const { repository, subject, query, passport } = pull;
    const upstream = upstreamOf(repository);
    const startedMs = clock.monotonic();
    try {
      // Shared by all who ask: ends by the transport's timeouts, not with one client.
      const { signal } = new AbortController();
      const listing = { kind: 'referrers', name: repository.name, subject } as const;
      const answer = await upstream.list(listing, query, passport, signal);
      const upstreamMs = clock.monotonic() - startedMs;
      if (answer.kind === 'refused') return refusal(answer, 'MANIFEST_UNKNOWN', upstreamMs);
      const { trail } = answer;
      const held = { ...answer, checkedAtMs: clock.now() - trail.ageSeconds * 1000 };
      this.#held.set(key, held);
      return pulled(held, trail.ageSeconds * 1000, { outcome: 'miss', trail, upstreamMs, stored: true });
    } catch (error) {
      const upstreamMs = clock.monotonic() - startedMs;
      const request = `referrers of ${repositoryKey(repository)}@${subject}`;
      const failed = failure(error, { telemetry, upstream: upstream.name, request }, upstreamMs);
      return this.#stale(key, error, upstreamMs) ?? failed;
    }
  }

  /** What is held, in place of a failing upstream's answer. A refusal of this cache's credentials is an answer. */
  #stale(key: string, error: unknown, upstreamMs: number): PulledList | undefined {
    const held = this.#held.get(key);
    if (held === undefined || (error instanceof UpstreamError && error.kind === 'auth')) return undefined;
    const ageMs = this.#deps.clock.now() - held.checkedAtMs;
    if (ageMs > this.#deps.freshness().staleIfErrorMs) return undefined;
    return pulled(held, ageMs, { outcome: 'stale', trail: undefined, upstreamMs });
  }
}

const HIT: Passage = { outcome: 'hit', trail: undefined, upstreamMs: undefined };

function pulled(held: HeldList, ageMs: number, passage: Passage): PulledList {
  const { bytes, link, filtersApplied } = held;
  return { kind: 'list', bytes, link, filtersApplied, ageSeconds: Math.floor(ageMs / 1000), passage };
}
