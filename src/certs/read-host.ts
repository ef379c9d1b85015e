import { get } from 'node:https';
import { createSecureContext } from 'node:tls';
import { UserError } from '../user-error.ts';
import type { Found, PresentedHop } from './bundle.ts';
import { isIssuedBy, readCertificates } from './certificate.ts';
import { handshake } from './presented-chain.ts';

/** A host's own word about itself. */
export interface HostContent {
  readonly hop: PresentedHop;
  /** What it presents and what its `/ca` says: nobody else vouches for any of it. */
  readonly found: readonly Found[];
}

const MOST_CA_BYTES = 1024 * 1024;

/**
 * Asks a host for its chain, and for its CA under `/ca`, as DTR publishes it. Nothing is trusted and nothing is sent but
 * that one request, without credentials.
 * @throws {UserError} HOST_UNREACHABLE; the signal's reason
 */
export async function readHost(url: URL, signal: AbortSignal): Promise<HostContent> {
  const nothing = createSecureContext({ ca: [] });
  const { presented } = await handshake(url, { trust: nothing, signal }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  const [leaf] = presented;
  const published = await publishedCa(url, signal).catch(() => []);
  const related = published.filter(
    (certificate) => certificate.isCa && presented.some((each) => isIssuedBy(each, certificate)),
  );
  const { origin } = url;
  return {
    hop: { url: origin, presented },
    found: [
      ...presented
        .filter((certificate) => certificate.isCa || (certificate === leaf && certificate.isSelfSigned))
        .map((certificate) => ({ certificate, source: origin, vouchedBy: 'host' as const })),
      ...related.map((certificate) => ({ certificate, source: `${origin}/ca`, vouchedBy: 'host' as const })),
    ],
  };
}

async function publishedCa(url: URL, signal: AbortSignal): Promise<ReturnType<typeof readCertificates>> {
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    // The answer is nothing but a proposal: what it holds is shown, and taken only where the operator says so.
    const request = get(
      new URL('/ca', url),
      { rejectUnauthorized: false, agent: false, signal },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (answer.statusCode === 200 && size <= MOST_CA_BYTES) chunks.push(chunk);
          else answer.destroy(new Error('it is no CA'));
        });
        answer.on('end', () => resolve(Buffer.concat(chunks)));
        answer.on('error', reject);
      },
    );
    request.on('error', reject);
  });
  return readCertificates(bytes);
}

const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closes the connection: it may speak no TLS there',
  ENOTFOUND: 'its name is unknown',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EPROTO: 'it speaks no TLS there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS there',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it speaks no TLS there',
  TimeoutError: 'it does not answer in time',
};

function unreachable(url: URL, cause: unknown): UserError {
  const error = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : String(error);
  return new UserError('HOST_UNREACHABLE', `${url.origin}: ${MEANING[code] ?? MEANING[name] ?? message}`, {
    value: url.origin,
    hint: 'check its name and port, and that it is running',
    exitCode: 1,
    cause,
  });
}
