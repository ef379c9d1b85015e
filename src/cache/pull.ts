import type { RegistryError } from '../oci/error.ts';
import type { Repository } from '../oci/namespace.ts';
import type { MissReason, Outcome } from '../telemetry/event.ts';
import type { Passport } from '../upstream/upstream.ts';
import type { Trail } from '../upstream/verdict.ts';

/** Who asks for what, wherever the answer comes from. */
export interface Pull {
  readonly repository: Repository;
  readonly passport: Passport;
  /** The client's: aborts when it leaves. Ends its waiting, never work that it shares with others. */
  readonly signal: AbortSignal;
}

/** How a request was answered: for the headers between hops and the access log. */
export interface Passage {
  /** What the answer began with; `bypass` from the moment at which the store fails it. */
  readonly outcome: Outcome;
  /** Why it is a `miss`, where that is known already. */
  readonly missReason?: MissReason;
  /** What the next hop said, where it was asked. */
  readonly trail: Trail | undefined;
  /** Milliseconds that this request waited for the next hop. */
  readonly upstreamMs: number | undefined;
  /** Whether what came is, or is being, kept here. */
  readonly stored?: true;
}

/** There is no content: the origin's no, or a failure on the way to it. */
export interface NotPulled {
  readonly kind: 'not-pulled';
  readonly error: RegistryError;
  readonly passage: Passage;
}
