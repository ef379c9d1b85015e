import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import { isJsonObject, MAX_MANIFEST_BYTES } from '../oci/manifest.ts';
import { MANIFEST_ACCEPT, OCI_INDEX, parseMediaType } from '../oci/media-type.ts';
import type { Namespace } from '../oci/namespace.ts';
import { type ContentRange, parseContentRange } from '../oci/range.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import { SENT_WRONG_BYTES, UpstreamError } from './error.ts';
import type { Hop, HopRequest } from './hop.ts';
import { traced } from './traced.ts';
import type { TransportResponse } from './transport.ts';
import type {
  BlobAnswer,
  BlobHead,
  BlobRequest,
  FoundManifest,
  ListAnswer,
  Listing,
  ManifestAnswer,
  Passport,
  Upstream,
} from './upstream.ts';
import { judge, readTrail, type Refused, single } from './verdict.ts';

export interface RegistryClientOptions {
  readonly namespace: Namespace;
  /** Whether the hop is told the namespace; the origin never is. */
  readonly sendNamespace: boolean;
  readonly role: 'hop' | 'origin';
  readonly headersTimeoutMs: number;
}

const HEADERS_STEP_MS = 5_000;
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/** The registry API of one hop for one namespace. */
export class RegistryClient implements Upstream {
  readonly role: RegistryClientOptions['role'];
  readonly #hop: Hop;
  readonly #options: RegistryClientOptions;

  constructor(hop: Hop, options: RegistryClientOptions) {
    this.#hop = hop;
    this.#options = options;
    this.role = options.role;
  }

  get name(): string {
    return this.#hop.name;
  }

  /** How long an answer's headers are waited for, in milliseconds: less for each hop that the request has passed. */
  patienceMs({ hopsPassed }: Passport): number {
    const { headersTimeoutMs } = this.#options;
    const least = Math.min(HEADERS_STEP_MS, headersTimeoutMs);
    return Math.max(least, headersTimeoutMs - HEADERS_STEP_MS * hopsPassed);
  }

  /**
   * Asks whether the hop answers at all; what it answers does not matter, as long as it is no failure of its own.
   * @throws {UpstreamError}
   */
  async ping(signal: AbortSignal): Promise<void> {
    const { headersTimeoutMs } = this.#options;
    const { status, body } = await this.#hop.ping('/v2/', headersTimeoutMs, signal);
    await body.discard();
    if (status >= 500) throw new UpstreamError('status', `it answered ${status}`, { status });
  }

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

  async openBlob(request: BlobRequest, passport: Passport, signal: AbortSignal): Promise<BlobAnswer> {
    const { name, digest, startBytes, endBytes } = request;
    if (request.avoids?.(this.name) === true) throw new UpstreamError('avoided', SENT_WRONG_BYTES);
    const whole = startBytes === 0 && endBytes === undefined;
    const range = whole ? {} : { range: `bytes=${startBytes}-${endBytes === undefined ? '' : endBytes - 1}` };
    const target = { path: `/v2/${name}/blobs/${digest}`, scope: pullScope(name), lane: 'blob' as const };
    const response = await this.#send('GET', target, range, passport, signal);
    const { body, roundTripMs, measureMs } = response;
    const { name: upstream } = this.#hop;
    const trail = readTrail(response);
    const common = { kind: 'found', body, trail, upstream, roundTripMs, measureMs } as const;
    if (response.status === 200) {
      return continuing({ ...common, sizeBytes: contentLength(response), startBytes: 0 }, request, response);
    }
    if (response.status !== 206) return await judge(response, this.#options.role);
    const answered = parseContentRange(single(response.headers, 'content-range') ?? '');
    if (answered === undefined || !isAsAsked(answered, request)) {
      body.abort(new Error('the wrong range'));
      throw new UpstreamError('protocol', 'it answered another range than asked for');
    }
    return continuing({ ...common, sizeBytes: answered.sizeBytes, startBytes }, request, response);
  }

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
    const { sendNamespace, namespace, role } = this.#options;
    const { path, scope, lane = 'talk' } = target;
    const ns = sendNamespace ? `${path.includes('?') ? '&' : '?'}ns=${encodeURIComponent(namespace)}` : '';
    const url = `${this.#hop.origin}${path.split('?', 1)[0]}`;
    const span = passport.span?.ask({ method, url, range: headers['range'], namespace, role });
    const sent = this.#hop.send(
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
        ownHeaders: span?.headers,
        lane,
        scope,
        headersTimeoutMs: this.patienceMs(passport),
      },
      signal,
    );
    const response = await (span === undefined ? sent : traced(sent, span));
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

/** A blob that has begun is continued only by who has the same: the same size, and no other digest. */
function continuing(
  answer: Extract<BlobAnswer, { kind: 'found' }>,
  { sizeBytes: known, digest }: BlobRequest,
  { headers }: TransportResponse,
): BlobAnswer {
  if (known === undefined) return answer;
  const { sizeBytes = known, body } = answer;
  const claimed = single(headers, 'docker-content-digest') ?? '';
  const isSize = sizeBytes === known;
  if (isSize && (!isDigest(claimed) || claimed === digest)) return answer;
  body.abort(new Error('another blob'));
  throw new UpstreamError(
    'protocol',
    isSize ? `the blob is called ${claimed} there` : `the blob had ${known} bytes and now has ${sizeBytes}`,
  );
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
