import type { Digest } from '../oci/digest.ts';

/** What happened to a request: one word in log, metric, header and screen. */
export type Outcome = 'hit' | 'prefetched' | 'joined' | 'miss' | 'revalidated' | 'stale' | 'bypass';

/** What a request asked for: the nouns of the distribution-spec, and `ping` for `/v2/` itself. */
export type Resource = 'manifest' | 'blob' | 'tags' | 'referrers' | 'catalog' | 'ping';

/** Why a manifest or a blob had to be fetched. */
export type MissReason =
  /** This cache has never had it, or has forgotten that it had. */
  | 'new'
  /** It was removed after its TTL. */
  | 'expired'
  /** The tag points to another manifest than the one held. */
  | 'changed'
  /** Only the head was asked for: nothing is stored for that. */
  | 'head'
  /** The origin does not have it, or denies it. */
  | 'refused'
  /** The way to the origin failed. */
  | 'failed';

/** Everything that the program tells about itself; logs and metrics are made of these and nothing else. */
export type TelemetryEvent =
  | { readonly kind: 'listening'; readonly url: string; readonly role: 'registry' | 'debug' }
  | { readonly kind: 'draining'; readonly signal: string; readonly openRequests: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'reloaded'; readonly changed: readonly string[]; readonly unchanged: readonly string[] }
  | { readonly kind: 'reload-failed'; readonly message: string }
  | RequestEvent
  /**
   * Bytes of content that a client's connection has taken: told in stretches, the last one when the answer ends.
   * Bodies of errors are no content.
   */
  | { readonly kind: 'sent'; readonly namespace: string; readonly bytes: number }
  /** Bytes of bodies that a hop has sent: told in stretches, the last one when its answer ends. */
  | {
      readonly kind: 'received';
      readonly namespace: string;
      readonly upstream: string;
      /** As of {@link UpstreamAnswerEvent}. */
      readonly lane: 'talk' | 'blob';
      readonly bytes: number;
    }
  | UpstreamAnswerEvent
  /** An answer could not be ended: its connection was closed short. */
  | {
      readonly kind: 'answer-cut';
      /** As in the request's event. */
      readonly id: string;
      readonly request: string;
      readonly reason: string;
    }
  /** A fault of this program: the only event that carries a stack. */
  | {
      readonly kind: 'internal-error';
      readonly request: string;
      readonly reason: string;
      readonly stack: string;
    }
  | {
      readonly kind: 'fill-started';
      readonly digest: Digest;
      readonly repository: string;
      readonly upstream: string;
      readonly sizeBytes: number | undefined;
    }
  | {
      readonly kind: 'fill-resumed';
      readonly digest: Digest;
      readonly upstream: string;
      readonly offsetBytes: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'fill-finished';
      readonly digest: Digest;
      readonly upstream: string;
      readonly sizeBytes: number;
      readonly durationMs: number;
      /** How many it came over. */
      readonly connections: number;
    }
  | {
      readonly kind: 'fill-failed';
      readonly digest: Digest;
      readonly upstream: string;
      readonly offsetBytes: number;
      readonly reason: string;
    }
  | {
      readonly kind: 'digest-mismatch';
      readonly wanted: Digest;
      readonly got: Digest;
      readonly upstream: string;
    }
  /** A hop failed a request that another one is asked now. */
  | {
      readonly kind: 'hop-failed';
      readonly upstream: string;
      readonly reason: string;
      readonly hint: string | undefined;
      readonly next: string;
    }
  /** A hop is left out until it answers again. */
  | {
      readonly kind: 'hop-down';
      readonly upstream: string;
      readonly reason: string;
      readonly hint: string | undefined;
    }
  | { readonly kind: 'hop-up'; readonly upstream: string; readonly downMs: number }
  | {
      readonly kind: 'upstream-failed';
      readonly upstream: string;
      readonly request: string;
      readonly reason: string;
      readonly hint: string | undefined;
    }
  | {
      readonly kind: 'store-write-failed';
      readonly code: string;
      readonly digest: Digest;
      readonly reason: string;
    }
  /** The disk has taken a manifest, a tag or a proof; of a blob, `fill-finished` tells that. */
  | { readonly kind: 'store-written'; readonly digest: Digest }
  | {
      readonly kind: 'swept';
      /** `ttl`: it was not used for `blobttl`. */
      readonly reason: 'ttl';
      readonly digest: Digest;
      readonly sizeBytes: number;
      readonly repositories: number;
    }
  | { readonly kind: 'sweep-failed'; readonly reason: string }
  /** A configured health check begins to fail, or fails for another reason. */
  | { readonly kind: 'check-failed'; readonly check: string; readonly reason: string }
  | { readonly kind: 'check-passed'; readonly check: string };

/** One request that a client made, told when its answer has ended. */
export interface RequestEvent {
  readonly kind: 'request';
  readonly id: string;
  readonly method: string;
  /** The request target as it came, cut at 1 KiB. */
  readonly target: string;
  readonly status: number;
  /** Undefined where the target is none of the API's. */
  readonly resource: Resource | undefined;
  readonly outcome: Outcome | undefined;
  /** Told of manifests and blobs where the outcome is `miss`, and nowhere else. */
  readonly missReason: MissReason | undefined;
  readonly namespace: string | undefined;
  readonly repository: string | undefined;
  readonly reference: string | undefined;
  readonly bytesSent: number;
  readonly durationMs: number;
  /** How long this request waited for the next hop. */
  readonly upstreamMs: number | undefined;
  readonly client: string;
  readonly userAgent: string | undefined;
  /** The trace that it belongs to, at every hop; undefined where nothing is traced. */
  readonly traceId?: string | undefined;
  /** Whether the answer went out whole; `false` where the client left or the fill failed. */
  readonly complete: boolean;
}

/** A hop has begun to answer one request of this cache, or has failed to; `upstream` is its host and port. */
export interface UpstreamAnswerEvent {
  readonly kind: 'upstream-answer';
  readonly namespace: string;
  readonly upstream: string;
  /** `talk` for manifests, heads and lists; `blob` for content. */
  readonly lane: 'talk' | 'blob';
  /** `answered`, the origin's no included; else the kind of the failure. */
  readonly result: 'answered' | UpstreamFailure;
  /** From the question to the answer's head, challenges and redirects included. */
  readonly waitMs: number;
  /** The hops that the answer has passed, from its `Via`; undefined where it names none. */
  readonly via: string | undefined;
}

/** How a hop can fail a request; `status` is an answer that no healthy hop gives. */
export type UpstreamFailure =
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'cut'
  | 'protocol'
  | 'redirect'
  | 'auth'
  | 'status'
  | 'busy'
  /** It was not asked: it has sent wrong bytes for the digest a short while ago. */
  | 'avoided';
