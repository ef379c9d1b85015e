import { type Digest, isDigest } from '../oci/digest.ts';
import { isJsonObject, MAX_MANIFEST_BYTES } from '../oci/manifest.ts';
import { MANIFEST_ACCEPT, type MediaType, OCI_INDEX, parseMediaType } from '../oci/media-type.ts';
import type { Namespace } from '../oci/namespace.ts';
import { type ContentRange, parseContentRange } from '../oci/range.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { ResponseBody } from './body.ts';
import { UpstreamError } from './error.ts';
import type { Hop, HopRequest } from './hop.ts';
import type { TransportResponse } from './transport.ts';
import { judge, readTrail, type Refused, single, type Trail } from './verdict.ts';

/** What a request carries on its way up. */
export interface Passport {
  /** The `Via` field to send: the hops so far, this one included. */
  readonly via: string;
  /** How many hops the request had passed when it came here: each leaves the next 5 s less to wait. */
  readonly hopsPassed: number;
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
      /** The shortest time that it has lately taken to answer anything, in milliseconds: how far away it is. */
      readonly roundTripMs: number;
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

export interface UpstreamOptions {
  readonly namespace: Namespace;
  /** Whether the hop is told the namespace; the origin never is. */
  readonly sendNamespace: boolean;
  readonly role: 'hop' | 'origin';
  readonly headersTimeoutMs: number;
}

const HEADERS_STEP_MS = 5_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/**
 * The registry API of the next hop for one namespace. Refusals of the origin are values; a hop that failed
 * throws {@link UpstreamError}. Each call may throw its signal's reason.
 */
export class Upstream {
  #hop: Hop;
  #options: UpstreamOptions;

  constructor(hop: Hop, options: UpstreamOptions) {
    this.#hop = hop;
    this.#options = options;
  }

  /** Host and port of the hop: for logs and the memory of what it sent wrong; never for clients. */
  get name(): string {
    return this.#hop.name;
  }

  /** Goes another upstream's way from now on: whoever holds this one, a running fill say, goes on there. */
  become(other: Upstream): void {
    this.#hop = other.#hop;
    this.#options = other.#options;
  }

  /** Asks what a reference is now; `unchanged` only where `heldDigest` was given and still stands. */
  async headManifest(
    name: RepositoryName,
    reference: Reference,
    heldDigest: Digest | undefined,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ManifestAnswer> {
    const condition = heldDigest === undefined ? {} : { 'if-none-match': `"${heldDigest}"` };
    const path = `/v2/${name}/manifests/${formatReference(reference)}`;
    const target = { path, scope: pullScope(name) };
    const response = await this.#send('HEAD', target, { ...ACCEPT, ...condition }, passport, signal);
    if (response.status === 304) {
      await response.body.discard();
      return { kind: 'unchanged', trail: readTrail(response) };
    }
    if (response.status !== 200) return await judge(response, this.#options.role);
    await response.body.discard();
    return foundManifest(response, undefined);
  }

  /** Fetches a manifest: its exact bytes, at most 4 MiB. */
  async getManifest(
    name: RepositoryName,
    reference: Reference,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<FoundManifest | Refused> {
    const path = `/v2/${name}/manifests/${formatReference(reference)}`;
    const response = await this.#send('GET', { path, scope: pullScope(name) }, ACCEPT, passport, signal);
    if (response.status !== 200) return await judge(response, this.#options.role);
    return foundManifest(response, await response.body.readAll(MAX_MANIFEST_BYTES));
  }

  /** Asks for a blob's size without its bytes. */
  async headBlob(
    name: RepositoryName,
    digest: Digest,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<BlobHead> {
    const target = { path: `/v2/${name}/blobs/${digest}`, scope: pullScope(name) };
    const response = await this.#send('HEAD', target, {}, passport, signal);
    if (response.status !== 200) return await judge(response, this.#options.role);
    await response.body.discard();
    const sizeBytes = contentLength(response);
    if (sizeBytes === undefined)
      throw new UpstreamError('protocol', 'it answers HEAD without Content-Length');
    return { kind: 'found', sizeBytes, trail: readTrail(response) };
  }

  /** Opens a stretch of a blob; a server that ignores the range answers with the whole, from 0. */
  async openBlob(request: BlobRequest, passport: Passport, signal: AbortSignal): Promise<BlobAnswer> {
    const { name, digest, startBytes, endBytes } = request;
    const whole = startBytes === 0 && endBytes === undefined;
    const range = whole ? {} : { range: `bytes=${startBytes}-${endBytes === undefined ? '' : endBytes - 1}` };
    const target = { path: `/v2/${name}/blobs/${digest}`, scope: pullScope(name), lane: 'blob' as const };
    const response = await this.#send('GET', target, range, passport, signal);
    const { body } = response;
    const { name: upstream, roundTripMs } = this.#hop;
    const common = { kind: 'found', body, trail: readTrail(response), upstream, roundTripMs } as const;
    if (response.status === 200) return { ...common, sizeBytes: contentLength(response), startBytes: 0 };
    if (response.status !== 206) return await judge(response, this.#options.role);
    const answered = parseContentRange(single(response.headers, 'content-range') ?? '');
    if (answered === undefined || !isAsAsked(answered, request)) {
      body.abort(new Error('the wrong range'));
      throw new UpstreamError('protocol', 'it answered another range than asked for');
    }
    return { ...common, sizeBytes: answered.sizeBytes, startBytes };
  }

  /** Fetches one page of a list; `query` is passed on as it is. */
  async list(
    listing: Listing,
    query: URLSearchParams,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const { path, scope, accept } = addressOf(listing);
    const target = { path: query.size === 0 ? path : `${path}?${query.toString()}`, scope };
    const response = await this.#send('GET', target, { accept }, passport, signal);
    if (response.status !== 200) return await judge(response, this.#options.role);
    const bytes = await response.body.readAll(MAX_LIST_BYTES);
    if (!isJsonObject(bytes)) throw new UpstreamError('protocol', 'it answered a list with what is none');
    const link = single(response.headers, 'link');
    const filtersApplied = single(response.headers, 'oci-filters-applied');
    return { kind: 'found', bytes, link, filtersApplied, trail: readTrail(response) };
  }

  async #send(
    method: HopRequest['method'],
    target: Pick<HopRequest, 'path' | 'scope'> & Partial<Pick<HopRequest, 'lane'>>,
    headers: Readonly<Record<string, string>>,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<TransportResponse> {
    const { sendNamespace, namespace, headersTimeoutMs } = this.#options;
    const { path, scope, lane = 'talk' } = target;
    const ns = sendNamespace ? `${path.includes('?') ? '&' : '?'}ns=${encodeURIComponent(namespace)}` : '';
    const response = await this.#hop.send(
      {
        method,
        path: `${path}${ns}`,
        headers: {
          'user-agent': 'regcache',
          // A compressed answer would be other bytes than the digest's.
          'accept-encoding': 'identity',
          via: passport.via,
          ...headers,
        },
        lane,
        scope,
        headersTimeoutMs: Math.max(
          Math.min(HEADERS_STEP_MS, headersTimeoutMs),
          headersTimeoutMs - HEADERS_STEP_MS * passport.hopsPassed,
        ),
      },
      signal,
    );
    const encoding = single(response.headers, 'content-encoding') ?? 'identity';
    if (response.status < 300 && encoding !== 'identity') {
      response.body.abort(new Error('encoded'));
      throw new UpstreamError('protocol', `it sent ${encoding} though asked for identity`);
    }
    return response;
  }
}

/** Whether the answered range begins as asked and does not reach further; a shorter one is asked for again. */
function isAsAsked({ range }: ContentRange, { startBytes, endBytes = Infinity }: BlobRequest): boolean {
  return range.start === startBytes && range.end < endBytes;
}

/** What a token must allow (Distribution's token scope grammar). */
function pullScope(name: RepositoryName): string {
  return `repository:${name}:pull`;
}

function addressOf(listing: Listing): {
  readonly path: string;
  readonly scope: string;
  readonly accept: string;
} {
  switch (listing.kind) {
    case 'tags':
      return { path: `/v2/${listing.name}/tags/list`, scope: pullScope(listing.name), accept: JSON_TYPE };
    case 'referrers': {
      const { name, subject } = listing;
      return { path: `/v2/${name}/referrers/${subject}`, scope: pullScope(name), accept: OCI_INDEX };
    }
    case 'catalog':
      return { path: '/v2/_catalog', scope: 'registry:catalog:*', accept: JSON_TYPE };
  }
}

const JSON_TYPE = 'application/json';
const ACCEPT = { accept: MANIFEST_ACCEPT.join(', ') };

function foundManifest(response: TransportResponse, bytes: Buffer | undefined): FoundManifest {
  const claimed = single(response.headers, 'docker-content-digest') ?? '';
  return {
    kind: 'found',
    digest: isDigest(claimed) ? claimed : undefined,
    mediaType: parseMediaType(single(response.headers, 'content-type') ?? ''),
    sizeBytes: bytes === undefined ? contentLength(response) : bytes.length,
    bytes,
    trail: readTrail(response),
  };
}

function contentLength(response: TransportResponse): number | undefined {
  const field = single(response.headers, 'content-length') ?? '';
  return /^\d{1,15}$/.test(field) ? Number(field) : undefined;
}
