import type { OutgoingHttpHeaders } from 'node:http';
import type { BlobCache, BlobPull, PulledBlob } from '../cache/blob-cache.ts';
import type { Passage, Pull } from '../cache/pull.ts';
import type { Digest } from '../oci/digest.ts';
import { RegistryError } from '../oci/error.ts';
import { OCTET_STREAM } from '../oci/media-type.ts';
import { parseRange, resolveRange } from '../oci/range.ts';
import { layOut } from './blob-layout.ts';
import type { BufferPool } from './buffer-pool.ts';
import { type Exchange, matchesTag, sendWhole } from './exchange.ts';
import { passageHeaders } from './passage-headers.ts';
import { sendBytes } from './send-bytes.ts';
import type { HopIdentity } from './via.ts';

export interface BlobHandlerDeps {
  readonly blobs: BlobCache;
  readonly self: HopIdentity;
  readonly pool: BufferPool;
  readonly maxBufferBytes: number;
}

/** GET and HEAD of `/v2/<name>/blobs/<digest>` (distribution-spec, "Pulling blobs"). */
export async function handleBlob(
  exchange: Exchange,
  pull: Pull,
  digest: Digest,
  deps: BlobHandlerDeps,
): Promise<void> {
  const { request } = exchange;
  const etag = `"${digest}"`;
  const blobPull: BlobPull = { ...pull, digest };
  const unchanged = matchesTag(request.headers['if-none-match'], etag);
  if (request.method === 'HEAD' || unchanged) {
    const head = await deps.blobs.head(blobPull);
    exchange.log.passage = head.passage;
    if (head.kind === 'not-pulled') throw head.error;
    const length = head.sizeBytes === undefined || unchanged ? {} : { 'content-length': head.sizeBytes };
    sendWhole(
      exchange,
      unchanged ? 304 : 200,
      { ...blobHeaders(digest, head.passage, deps), ...length },
      undefined,
    );
    return;
  }
  const pulled = await deps.blobs.get(blobPull);
  exchange.log.passage = pulled.passage;
  if (pulled.kind === 'not-pulled') throw pulled.error;
  try {
    await sendBlob(exchange, pulled, digest, deps);
  } finally {
    await pulled.source.close();
  }
}

async function sendBlob(
  exchange: Exchange,
  pulled: PulledBlob,
  digest: Digest,
  deps: BlobHandlerDeps,
): Promise<void> {
  const { request, response, signal } = exchange;
  const { sizeBytes, source } = pulled;
  const { range: field, 'if-range': condition } = request.headers;
  const ranged = field !== undefined && (condition === undefined || condition === `"${digest}"`);
  const asked = sizeBytes === undefined || !ranged ? FULL : resolveRange(parseRange(field), sizeBytes);
  // What is streamed through comes in order, once.
  const answer = asked.kind === 'several' && pulled.passage.outcome === 'bypass' ? FULL : asked;
  // The end of the connection would look like the end of the content, whole or not.
  if (sizeBytes === undefined && request.httpVersion === '1.0') throw sizeUnknown();
  const { status, headers, parts, tail } = layOut(answer, sizeBytes);
  response.writeHead(status, { ...blobHeaders(digest, pulled.passage, deps), ...headers });
  response.flushHeaders();
  const { pool, maxBufferBytes } = deps;
  const onSent = (bytes: number): void => exchange.sent(bytes);
  for (const { head, startBytes, endBytes } of parts) {
    if (head !== '') response.write(head, 'latin1');
    await sendBytes(response, { source, startBytes, endBytes, pool, maxBufferBytes, onSent, signal });
  }
  response.end(tail, 'latin1');
}

function sizeUnknown(): RegistryError {
  return new RegistryError('UNAVAILABLE', 'the size of this blob is not known yet: ask by HTTP/1.1', {
    status: 502,
  });
}

const FULL = { kind: 'full' } as const;

function blobHeaders(digest: Digest, passage: Passage, deps: BlobHandlerDeps): OutgoingHttpHeaders {
  return {
    'content-type': OCTET_STREAM,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'max-age=31536000',
    ...passageHeaders(passage, deps.self),
  };
}
