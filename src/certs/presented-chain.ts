import { isIP } from 'node:net';
import { connect, type PeerCertificate, type SecureContext, type TLSSocket } from 'node:tls';
import { type Certificate, certificateOf } from './certificate.ts';

/** What a server said in its TLS handshake. */
export interface Handshake {
  /** Its own certificate first, then what it sent along. */
  readonly presented: readonly Certificate[];
  /** Why it was not trusted, as Node and OpenSSL call it; undefined where it was. */
  readonly refusal: { readonly code: string; readonly message: string } | undefined;
  /** As in `TLSv1.3`. */
  readonly protocol: string;
  /** Whether it would speak HTTP/2 (RFC 7301). */
  readonly offersHttp2: boolean;
}

export interface HandshakeOptions {
  /** What is trusted; the program's own default without it. */
  readonly trust?: SecureContext | undefined;
  readonly signal: AbortSignal;
}

const MOST_CERTIFICATES = 16;

/**
 * Opens a TLS connection and closes it again; nothing is sent on it.
 * @param url `https://host[:port]`
 * @throws {Error} where there is no connection, or no TLS on it; the signal's reason
 */
export async function handshake(url: URL, { trust, signal }: HandshakeOptions): Promise<Handshake> {
  signal.throwIfAborted();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({
    host,
    port: Number(url.port === '' ? 443 : url.port),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(trust === undefined ? {} : { secureContext: trust }),
    rejectUnauthorized: false,
    minVersion: 'TLSv1',
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  const stop = (): void => {
    socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('it closed the connection before the handshake was done')));
    });
    return {
      presented: presentedBy(socket),
      refusal: refusalOf(socket),
      protocol: socket.getProtocol() ?? '',
      offersHttp2: socket.alpnProtocol === 'h2',
    };
  } finally {
    signal.removeEventListener('abort', stop);
    socket.destroy();
  }
}

function refusalOf(socket: TLSSocket): Handshake['refusal'] {
  if (socket.authorized) return undefined;
  const error: unknown = socket.authorizationError;
  // What is declared an Error is its code alone where the chain is at fault.
  if (typeof error === 'string') return { code: error, message: error };
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return { code, message: error instanceof Error ? error.message : String(error) };
}

function presentedBy(socket: TLSSocket): readonly Certificate[] {
  const chain: Certificate[] = [];
  const seen = new Set<string>();
  let next: PeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next !== undefined && Buffer.isBuffer(next.raw) && chain.length < MOST_CERTIFICATES) {
    const certificate = certificateOf(next.raw);
    if (seen.has(certificate.fingerprint)) break;
    seen.add(certificate.fingerprint);
    chain.push(certificate);
    next = 'issuerCertificate' in next ? (next.issuerCertificate as PeerCertificate | undefined) : undefined;
  }
  return chain;
}
