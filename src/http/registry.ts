import type { IncomingMessage, RequestListener } from 'node:http';
import type { BlobCache } from '../cache/blob-cache.ts';
import { type ListingDeps, pullListing } from '../cache/listing.ts';
import type { ManifestCache } from '../cache/manifest-cache.ts';
import type { Pull } from '../cache/pull.ts';
import type { ReferrersCache } from '../cache/referrers-cache.ts';
import { RegistryError } from '../oci/error.ts';
import { OCI_INDEX } from '../oci/media-type.ts';
import type { Repository } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import { emitRequest } from './access-log.ts';
import { handleBlob } from './blobs.ts';
import type { BufferPool } from './buffer-pool.ts';
import { Exchange, type ExchangeListener, sendWhole } from './exchange.ts';
import { sendList } from './listings.ts';
import { handleManifest } from './manifests.ts';
import { type Namespaces, parseTarget, readOnly } from './route.ts';
import { sendError } from './send-error.ts';
import { answerVia, type HopIdentity, passVia } from './via.ts';

export interface RegistryOptions {
  /** Where the API lies: `/` or `/some/path/`. */
  readonly prefix: string;
  readonly namespaces: Namespaces;
  readonly self: HopIdentity;
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly maxBufferBytes: number;
}

export interface RegistryDeps {
  readonly blobs: BlobCache;
  readonly manifests: ManifestCache;
  readonly lists: ListingDeps;
  readonly referrers: ReferrersCache;
  readonly telemetry: Telemetry;
  /** Undefined where nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly pool: BufferPool;
}

/** The read side of the OCI distribution API: one request from its socket to the end of its answer. */
export function createRegistry(options: RegistryOptions, deps: RegistryDeps): RequestListener {
  const { self, headers } = options;
  const { telemetry, tracer } = deps;
  const fixed = Object.entries({ ...headers, 'docker-distribution-api-version': 'registry/2.0' });
  const listener: ExchangeListener = {
    onSent: ({ log: { repository }, response }, bytes) => {
      // An error's body is no content: an outage would count as traffic that was saved.
      if (repository === undefined || response.statusCode >= 400) return;
      telemetry.emit({ kind: 'sent', namespace: repository.namespace, bytes });
    },
    onEnd: (exchange, durationMs) => emitRequest(exchange, durationMs, telemetry),
  };
  return (request, response) => {
    const exchange = new Exchange(request, response, listener);
    exchange.span = tracer?.begin({ id: exchange.id, headers: request.headers });
    for (const [name, value] of fixed) response.setHeader(name, value);
    answer(exchange, options, deps).catch((error: unknown) => sendError(exchange, error, self, telemetry));
  };
}

async function answer(exchange: Exchange, options: RegistryOptions, deps: RegistryDeps): Promise<void> {
  const { request, signal, log, span } = exchange;
  checkHost(request);
  const { route, asked } = parseTarget(request.url ?? '', options.prefix, options.namespaces);
  if (request.method !== 'GET' && request.method !== 'HEAD') throw readOnly();
  log.resource = route.kind;
  if (asked !== undefined) exchange.response.setHeader('oci-namespace', asked);
  if (route.kind === 'ping') {
    const via = answerVia(undefined, options.self);
    sendWhole(exchange, 200, { 'content-type': 'application/json', via }, PING);
    return;
  }
  const passed = passVia(request.headers['via'], options.self);
  const passport = span === undefined ? passed : { ...passed, span };
  const pullOf = (repository: Repository): Pull => ({ repository, passport, signal });
  if (route.kind !== 'catalog') log.repository = route.repository;
  const { self, maxBufferBytes } = options;
  switch (route.kind) {
    case 'manifest':
      await handleManifest(exchange, pullOf(route.repository), route.reference, { ...deps, self });
      return;
    case 'blob':
      log.reference = route.digest;
      await handleBlob(exchange, pullOf(route.repository), route.digest, { ...deps, self, maxBufferBytes });
      return;
    case 'tags': {
      const { repository, query } = route;
      const { namespace, name } = repository;
      const listing = { kind: 'tags', name } as const;
      const pulled = await pullListing({ namespace, listing, query, passport, signal }, deps.lists);
      sendList(exchange, pulled, 'application/json', self);
      return;
    }
    case 'referrers': {
      const { repository, subject, query } = route;
      log.reference = subject;
      const pulled = await deps.referrers.pull({ ...pullOf(repository), subject, query });
      sendList(exchange, pulled, OCI_INDEX, self);
      return;
    }
    case 'catalog': {
      const { namespace, query } = route;
      const listing = { kind: 'catalog' } as const;
      const pulled = await pullListing({ namespace, listing, query, passport, signal }, deps.lists);
      sendList(exchange, pulled, 'application/json', self);
    }
  }
}

/**
 * Two `Host` fields, or one that is none, mean that somebody on the way reads the request otherwise (RFC 9112 section 3.2).
 * @throws {RegistryError} 400
 */
function checkHost({ rawHeaders, headers }: IncomingMessage): void {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length <= 1 && /^[A-Za-z0-9._~:[\]%-]{0,300}$/.test(headers.host ?? '')) return;
  throw new RegistryError('UNSUPPORTED', 'the Host field is malformed', { status: 400 });
}

const PING = Buffer.from('{}');
