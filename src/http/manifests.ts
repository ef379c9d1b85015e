import type { ManifestCache } from '../cache/manifest-cache.ts';
import type { Pull } from '../cache/pull.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import { type Exchange, matchesTag, sendWhole } from './exchange.ts';
import { passageHeaders } from './passage-headers.ts';
import type { HopIdentity } from './via.ts';

export interface ManifestHandlerDeps {
  readonly manifests: ManifestCache;
  readonly self: HopIdentity;
}

/**
 * GET and HEAD of `/v2/<name>/manifests/<reference>` (distribution-spec, "Pulling manifests"): the origin's exact
 * bytes and type. What `Accept` leaves out is sent all the same, as Distribution does: a cache never converts.
 */
export async function handleManifest(
  exchange: Exchange,
  pull: Pull,
  reference: Reference,
  deps: ManifestHandlerDeps,
): Promise<void> {
  const { request, log } = exchange;
  log.reference = formatReference(reference);
  const headOnly = request.method === 'HEAD';
  const pulled = await deps.manifests.pull({ ...pull, reference, headOnly });
  log.passage = pulled.passage;
  if (pulled.kind === 'not-pulled') throw pulled.error;
  const { digest, mediaType, sizeBytes } = pulled.manifest;
  const etag = `"${digest}"`;
  const unchanged = matchesTag(request.headers['if-none-match'], etag);
  const headers = {
    'content-type': mediaType,
    'content-length': sizeBytes,
    'docker-content-digest': digest,
    etag,
    ...(pulled.ageSeconds > 0 ? { age: String(pulled.ageSeconds) } : {}),
    ...passageHeaders(pulled.passage, deps.self),
  };
  sendWhole(exchange, unchanged ? 304 : 200, headers, pulled.bytes);
}
