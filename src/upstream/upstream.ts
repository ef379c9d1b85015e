import type { Digest } from '../oci/digest.ts';
import type { MediaType } from '../oci/media-type.ts';
import type { Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { RequestSpan } from '../telemetry/tracer.ts';
import type { ResponseBody } from './body.ts';
import type { Refused, Trail } from './verdict.ts';

/** What a request carries on its way up. */
export interface Passport {
  /** The `Via` field to send: the hops so far, this one included. */
  readonly via: string;
  /** How many hops the request had passed when it came here: each leaves the next 5 s less to wait. */
  readonly hopsPassed: number;
  /** Its place in its trace; undefined where nothing is traced. */
  readonly span?: RequestSpan | undefined;
}

export interface FoundManifest {
  readonly kind: 'found';
  /** As the upstream claims it; the caller proves it against the bytes. */
  readonly digest: Digest | undefined;
  readonly mediaType: MediaType | undefined;
  readonly sizeBytes: number | undefined;
  /** Undefined for a HEAD. */
  readonly bytes: Buffer | undefined;
  readonly trail: Trail;
}

export type ManifestAnswer = FoundManifest | { readonly kind: 'unchanged'; readonly trail: Trail } | Refused;

export type BlobHead =
  { readonly kind: 'found'; readonly sizeBytes: number; readonly trail: Trail } | Refused;

/** A stretch of a blob, as {@link Upstream.openBlob} is asked for it. */
export interface BlobRequest {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly startBytes: number;
  /** The offset after the last byte; undefined for the rest of the blob. */
  readonly endBytes?: number | undefined;
  /** The blob's size as it is known already; a hop that has another one has failed. */
  readonly sizeBytes?: number | undefined;
  /** Hops that are not to be asked, by name: they have sent wrong bytes for this digest. */
  readonly avoids?: ((upstream: string) => boolean) | undefined;
}

export type BlobAnswer =
  | {
      readonly kind: 'found';
      /** The whole blob's size; undefined where the upstream does not tell. */
      readonly sizeBytes: number | undefined;
      /** The offset of the body's first byte: what was asked for, or 0 from a server that ignores ranges. */
      readonly startBytes: number;
      /** The caller owns it and must consume or abort it. */
      readonly body: ResponseBody;
      readonly trail: Trail;
      /** Host and port of who answers: for logs and the memory of what it sent wrong; never for clients. */
      readonly upstream: string;
      /** How far away whoever sends it is, in milliseconds: the shortest of the last waits for it. */
      readonly roundTripMs: number;
      /**
       * Asks whoever sends it a few times more how far away it is. Never rejects; some answers may have gone astray.
       * @returns the shortest of the last waits then, in milliseconds
       */
      readonly measureMs: (signal: AbortSignal) => Promise<number>;
    }
  | Refused;

/** What can be listed (distribution-spec, "Listing Tags", "Listing Referrers"; Docker's registry API, "Listing Repositories"). */
export type Listing =
  | { readonly kind: 'tags'; readonly name: RepositoryName }
  | { readonly kind: 'referrers'; readonly name: RepositoryName; readonly subject: Digest }
  | { readonly kind: 'catalog' };

export type ListAnswer =
  | {
      readonly kind: 'found';
      readonly bytes: Buffer;
      readonly link: string | undefined;
      /** `OCI-Filters-Applied`. */
      readonly filtersApplied: string | undefined;
      readonly trail: Trail;
    }
  | Refused;

/**
 * The registry API of the way to an origin, for one namespace. Refusals of the origin are values; where every hop
 * failed, the last {@link UpstreamError} is thrown. Each call may throw its signal's reason.
 */
export interface Upstream {
  /** Host and port of the hop, or of the first of several: for logs; never for clients. */
  readonly name: string;

  /** Asks what a reference is now; `unchanged` only where `heldDigest` was given and still stands. */
  headManifest(
    name: RepositoryName,
    reference: Reference,
    heldDigest: Digest | undefined,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ManifestAnswer>;

  /** Fetches a manifest: its exact bytes, at most 4 MiB. */
  getManifest(
    name: RepositoryName,
    reference: Reference,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<FoundManifest | Refused>;

  /** Asks for a blob's size without its bytes. */
  headBlob(name: RepositoryName, digest: Digest, passport: Passport, signal: AbortSignal): Promise<BlobHead>;

  /** Opens a stretch of a blob; a server that ignores the range answers with the whole, from 0. */
  openBlob(request: BlobRequest, passport: Passport, signal: AbortSignal): Promise<BlobAnswer>;

  /** Fetches one page of a list; `query` is passed on as it is. */
  list(
    listing: Listing,
    query: URLSearchParams,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ListAnswer>;
}
