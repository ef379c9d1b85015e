import { createSecureContext, getCACertificates, rootCertificates } from 'node:tls';
import { type Handshake, handshake } from './presented-chain.ts';

/** Whether a server would be trusted. */
export type HopVerdict =
  | { readonly kind: 'trusted'; readonly protocol: string }
  /** @member why in an operator's words; `code` is Node's and OpenSSL's */
  | { readonly kind: 'refused'; readonly code: string; readonly why: string };

type Refusal = NonNullable<Handshake['refusal']>;

const WHY: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate, or one of its chain, has expired',
  CERT_NOT_YET_VALID: 'its certificate, or one of its chain, is not valid yet: check the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate vouches for itself and is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  INVALID_CA: 'what has signed its certificate is no CA',
  INVALID_PURPOSE: 'its certificate is not meant for servers',
  SELF_SIGNED_CERT_IN_CHAIN: 'the CA that it presents is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'a CA of its chain is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the CA that has signed its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'it presents nothing that has signed its certificate, and nothing that is trusted has',
};

/** Why a server was not trusted, in an operator's words. */
export function refusalText({ code, message }: Refusal): string {
  return WHY[code] ?? message;
}

/**
 * Tries a server as a cache would: these certificates are trusted beside the system's.
 * @param pems what `cas` names
 * @throws {Error} where there is no connection, or no TLS on it
 */
export async function handshakeTrusting(
  url: URL,
  pems: readonly string[],
  signal: AbortSignal,
): Promise<Handshake> {
  const system = getCACertificates('system');
  const trust = createSecureContext({
    ca: [...(system.length > 0 ? system : rootCertificates), ...getCACertificates('extra'), ...pems],
  });
  return await handshake(url, { trust, signal });
}

/** Whether a cache with these in its `cas` would trust a server. @throws as {@link handshakeTrusting} */
export async function verifyHop(url: URL, pems: readonly string[], signal: AbortSignal): Promise<HopVerdict> {
  const { refusal, protocol } = await handshakeTrusting(url, pems, signal);
  if (refusal === undefined) return { kind: 'trusted', protocol };
  return { kind: 'refused', code: refusal.code, why: refusalText(refusal) };
}
