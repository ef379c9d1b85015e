import { getDomain } from 'tldts';

/** A user and a password for one host; goes to no other. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** `Basic …` (RFC 7617). */
export function basicAuthorization(credentials: Credentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

/**
 * Whether a token realm may be given the credentials of `base`: the same scheme, host and port, or https at
 * the same registrable domain, or named by the operator. Anybody can write a realm into a challenge.
 */
export function mayReceiveCredentials(realm: URL, base: URL, realms: readonly string[]): boolean {
  if (realm.origin === base.origin) return true;
  if (realms.some((named) => URL.canParse(named) && new URL(named).origin === realm.origin)) return true;
  if (realm.protocol !== 'https:' || base.protocol !== 'https:') return false;
  const domain = getDomain(base.hostname, { allowPrivateDomains: true });
  return domain !== null && domain === getDomain(realm.hostname, { allowPrivateDomains: true });
}
