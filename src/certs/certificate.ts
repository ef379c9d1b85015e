import { X509Certificate } from 'node:crypto';

/** A certificate (RFC 5280), as far as trust needs it. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** The distinguished name on one line: `CN=asia, O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** `sha256:` and 64 hexadecimal digits, of the whole certificate. */
  readonly fingerprint: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether it may sign others. */
  readonly isCa: boolean;
  /** Whether it vouches for itself. */
  readonly isSelfSigned: boolean;
  /** Names and addresses that it is good for. */
  readonly names: readonly string[];
}

const PEM_BLOCK =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const DAY_MS = 86_400_000;

/** Reads what is known of one. @throws {Error} where it cannot be read */
export function certificateOf(der: Buffer | string): Certificate {
  const x509 = new X509Certificate(der);
  return {
    x509,
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    fingerprint: `sha256:${x509.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    notBefore: new Date(x509.validFrom),
    notAfter: new Date(x509.validTo),
    isCa: x509.ca,
    // Not `checkIssued`: a server's own certificate may say that its key signs no certificates.
    isSelfSigned: x509.subject === x509.issuer && verifies(x509, x509),
    names: namesOf(x509.subjectAltName),
  };
}

/**
 * All certificates of a PEM text, or the one of DER bytes; keys and other blocks are passed over.
 * @returns empty where there is none
 * @throws {Error} where a block is damaged
 */
export function readCertificates(bytes: Buffer): readonly Certificate[] {
  const text = bytes.toString('latin1');
  if (text.includes('-----BEGIN ')) {
    return [...text.matchAll(PEM_BLOCK)].map(([block]) =>
      certificateOf(block.replaceAll(/(BEGIN|END) (?:TRUSTED|X509) /g, '$1 ')),
    );
  }
  // DER begins with a SEQUENCE of a long length.
  return bytes[0] === 0x30 && (bytes[1] ?? 0) >= 0x81 ? [certificateOf(bytes)] : [];
}

/** Whether `issuer` has signed it: by name, by key identifier and by its key. */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return certificate.x509.checkIssued(issuer.x509) && verifies(certificate.x509, issuer.x509);
}

function verifies(x509: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return x509.verify(issuer.publicKey);
  } catch {
    // A key of a kind that OpenSSL does not know here.
    return false;
  }
}

export type Validity = 'valid' | 'expired' | 'not yet valid';

export function validityAt({ notBefore, notAfter }: Certificate, nowMs: number): Validity {
  if (nowMs > notAfter.getTime()) return 'expired';
  return nowMs < notBefore.getTime() ? 'not yet valid' : 'valid';
}

/** Whole days that are left; negative ones have gone by. */
export function daysLeft({ notAfter }: Certificate, nowMs: number): number {
  return Math.floor((notAfter.getTime() - nowMs) / DAY_MS);
}

function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').toReversed().join(', ');
}

function namesOf(field: string | undefined): readonly string[] {
  if (field === undefined) return [];
  const entry = /\s*(DNS|IP Address|URI|email):("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/gy;
  return [...field.matchAll(entry)].map(([, , name = '']) =>
    name.startsWith('"') ? String(JSON.parse(name)) : name,
  );
}
