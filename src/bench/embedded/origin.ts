import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { OCTET_STREAM } from '../../oci/media-type.ts';
import { formatContentRange, parseRange, resolveRange } from '../../oci/range.ts';
import type { CertificatePair } from '../../certs/certificate-authority.ts';
import type { Content } from '../image/content.ts';
import type { SeededImage } from '../image/seeded-image.ts';

/** One door of the origin, so that each variant's traffic is counted by itself. */
export interface OriginDoor {
  readonly port: number;
  readonly requests: number;
  readonly bytes: number;
}

interface Entry {
  readonly content: Content;
  readonly mediaType: string;
}

const HOST = '127.0.0.1';
const PIECE_BYTES = 64 * 1024;
const PATH = /^\/v2\/(?<name>.+)\/(?:manifests|blobs)\/(?<reference>[^/?]+)$/;

/** The read side of a small registry over seeded images, with TLS. */
export class BenchOrigin implements AsyncDisposable {
  readonly #certificate: CertificatePair;
  readonly #entries = new Map<string, Entry>();
  readonly #servers: Server[] = [];

  constructor(certificate: CertificatePair) {
    this.#certificate = certificate;
  }

  hold(repository: string, tag: string, image: SeededImage): void {
    for (const { mediaType, content } of [image.root, ...image.manifests]) {
      this.#entries.set(`${repository}/${content.digest}`, { content, mediaType });
    }
    for (const blob of image.blobs) {
      this.#entries.set(`${repository}/${blob.digest}`, { content: blob, mediaType: OCTET_STREAM });
    }
    this.#entries.set(`${repository}/${tag}`, image.root);
  }

  /** What is no longer pulled need not be held. */
  drop(repository: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${repository}/`)) this.#entries.delete(key);
  }

  /** One more port to be asked on. */
  async open(): Promise<OriginDoor> {
    const door = { port: 0, requests: 0, bytes: 0 };
    const { certificatePem: cert, keyPem: key } = this.#certificate;
    const server = createServer(
      { cert, key, keepAliveTimeout: 120_000, noDelay: true },
      (request, response) => {
        door.requests += 1;
        this.#answer(request, response).then(
          (bytes) => {
            door.bytes += bytes;
          },
          () => response.destroy(),
        );
      },
    );
    server.listen(0, HOST);
    await once(server, 'listening');
    this.#servers.push(server);
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the origin has no port');
    door.port = address.port;
    return door;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    await Promise.all(
      this.#servers.filter(({ listening }) => listening).map(async (server) => once(server, 'close')),
    );
  }

  /** @returns body bytes sent */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<number> {
    const path = new URL(request.url ?? '/', 'https://origin').pathname;
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (path === '/v2/') return sendJson(response, 200, {});
    const { name, reference } = PATH.exec(path)?.groups ?? {};
    const entry = this.#entries.get(`${name}/${reference}`);
    if (entry === undefined)
      return sendJson(response, 404, { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'unknown' }] });
    const { content, mediaType } = entry;
    response.setHeader('docker-content-digest', content.digest);
    response.setHeader('etag', `"${content.digest}"`);
    if (request.headers['if-none-match'] === `"${content.digest}"`) {
      response.writeHead(304).end();
      return 0;
    }
    return await sendContent(request, response, content, mediaType);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): number {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
  return text.length;
}

async function sendContent(
  request: IncomingMessage,
  response: ServerResponse,
  content: Content,
  mediaType: string,
): Promise<number> {
  const { range } = request.headers;
  const asked = resolveRange(range === undefined ? undefined : parseRange(range), content.sizeBytes);
  if (asked.kind === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${content.sizeBytes}`, 'content-length': 0 }).end();
    return 0;
  }
  const start = asked.kind === 'partial' ? asked.range.start : 0;
  const end = asked.kind === 'partial' ? asked.range.end + 1 : content.sizeBytes;
  response.writeHead(asked.kind === 'partial' ? 206 : 200, {
    'content-type': mediaType,
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(asked.kind === 'partial'
      ? { 'content-range': formatContentRange(asked.range, content.sizeBytes) }
      : {}),
  });
  if (request.method === 'HEAD') {
    response.end();
    return 0;
  }
  await pipeline(Readable.from(pieces(content, start, end)), response);
  return end - start;
}

function* pieces(content: Content, start: number, end: number): Iterable<Buffer> {
  for (let at = start; at < end; at += PIECE_BYTES) yield content.read(at, Math.min(PIECE_BYTES, end - at));
}
