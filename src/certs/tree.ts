import { type Certificate, daysLeft, isIssuedBy, validityAt } from './certificate.ts';

/** Certificates below who has signed them. */
export interface TreeNode {
  readonly certificate: Certificate;
  readonly signed: readonly TreeNode[];
}

/** Each certificate once, below its issuer where that is among them. */
export function certificateTree(certificates: readonly Certificate[]): readonly TreeNode[] {
  const unique = [...new Map(certificates.map((each) => [each.fingerprint, each])).values()];
  const placed = new Set<string>();
  const nodeOf = (certificate: Certificate): TreeNode => {
    placed.add(certificate.fingerprint);
    const signed = unique.filter(
      (each) => !placed.has(each.fingerprint) && certificate.isCa && isIssuedBy(each, certificate),
    );
    return { certificate, signed: signed.filter((each) => !placed.has(each.fingerprint)).map(nodeOf) };
  };
  const isRoot = (certificate: Certificate): boolean =>
    certificate.isSelfSigned ||
    !unique.some((other) => other !== certificate && other.isCa && isIssuedBy(certificate, other));
  const roots = unique.filter(isRoot).map(nodeOf);
  // What signs itself in a circle has no root of its own.
  return [...roots, ...unique.filter(({ fingerprint }) => !placed.has(fingerprint)).map(nodeOf)];
}

/** A tree as text, a few lines for each certificate. */
export function treeText(nodes: readonly TreeNode[], nowMs: number): string {
  return nodes.map((node) => nodeText(node, '', '', nowMs)).join('');
}

function nodeText({ certificate, signed }: TreeNode, first: string, rest: string, nowMs: number): string {
  const below = `${rest}${signed.length > 0 ? '│ ' : '  '}`;
  const lines = linesOf(certificate, nowMs);
  const own = lines.map((line, index) => `${index === 0 ? first : below}${line}\n`).join('');
  const children = signed.map((child, index) => {
    const last = index === signed.length - 1;
    return nodeText(child, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`, nowMs);
  });
  return `${own}${children.join('')}`;
}

function linesOf(certificate: Certificate, nowMs: number): readonly string[] {
  const { subject, issuer, fingerprint, notBefore, notAfter, isCa, isSelfSigned, names, x509 } = certificate;
  const key = x509.publicKey.asymmetricKeyType ?? 'unknown';
  const details = x509.publicKey.asymmetricKeyDetails;
  const size =
    details?.namedCurve ?? (details?.modulusLength === undefined ? '' : `${details.modulusLength} bits`);
  const kind = isCa
    ? isSelfSigned
      ? 'root CA'
      : 'CA'
    : isSelfSigned
      ? 'server, signed by itself'
      : 'server';
  return [
    `${subject || '(no subject)'}  ${kind}`,
    ...(isSelfSigned ? [] : [`  signed by ${issuer}`]),
    ...(names.length === 0 ? [] : [`  names ${names.join(', ')}`]),
    `  key ${key}${size === '' ? '' : ` ${size}`}`,
    `  valid from ${day(notBefore)} to ${day(notAfter)}: ${validityText(certificate, nowMs)}`,
    `  ${fingerprint}`,
  ];
}

/** `24 days left`, `expired 3 days ago`, `not yet valid`. */
function validityText(certificate: Certificate, nowMs: number): string {
  const days = daysLeft(certificate, nowMs);
  switch (validityAt(certificate, nowMs)) {
    case 'expired':
      return `expired ${-days} days ago`;
    case 'not yet valid':
      return 'not yet valid';
    case 'valid':
      return `${days} days left`;
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
