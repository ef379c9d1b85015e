import { Buffer } from 'node:buffer';
import type { Certificate } from './certificate.ts';
import { certificateOf } from './certificate.ts';

/** What a PKCS#12 container (RFC 7292) gave. */
export type Pkcs12 =
  | { readonly kind: 'certificates'; readonly certificates: readonly Certificate[] }
  | { readonly kind: 'wrong password' }
  | { readonly kind: 'unreadable'; readonly message: string };

/** The certificates of a container; its keys are not touched. */
export async function readPkcs12(bytes: Buffer, password: string): Promise<Pkcs12> {
  // Loaded here: few sources are of this kind.
  const { default: forge } = await import('node-forge');
  try {
    const container = forge.pkcs12.pkcs12FromAsn1(
      forge.asn1.fromDer(bytes.toString('binary')),
      false,
      password,
    );
    const bagType = forge.pki.oids['certBag'] ?? '';
    const bags = container.getBags({ bagType })[bagType] ?? [];
    const certificates = bags.map(({ cert, asn1 }) => {
      const der = forge.asn1.toDer(
        cert === undefined || cert === null ? asn1 : forge.pki.certificateToAsn1(cert),
      );
      return certificateOf(Buffer.from(der.getBytes(), 'binary'));
    });
    if (certificates.length === 0)
      return { kind: 'unreadable', message: 'the PKCS#12 container has no certificate' };
    return { kind: 'certificates', certificates };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (/password|MAC|decrypt/i.test(message)) return { kind: 'wrong password' };
    return { kind: 'unreadable', message };
  }
}
