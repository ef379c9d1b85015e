import { type Certificate, isIssuedBy, validityAt } from './certificate.ts';
import { buildChain, type Chain } from './chain.ts';

/** Where a certificate comes from, and who vouches for it. */
export interface Found {
  readonly certificate: Certificate;
  /** As an operator would say it: a path, `system`, `https://asia.example:5000`. */
  readonly source: string;
  /**
   * `given`: the operator named it. `config`, `system`: trusted already, and of use only where a hop needs it.
   * `host`: nobody but the host itself vouches for it.
   */
  readonly vouchedBy: 'given' | 'config' | 'system' | 'host';
}

/** A server that has to be verified, with what it presents: its own certificate first. */
export interface PresentedHop {
  readonly url: string;
  readonly presented: readonly Certificate[];
}

export interface BundleEntry {
  readonly certificate: Certificate;
  readonly source: string;
  /** URLs of the hops whose chain ends in it, or passes it without their presenting it. */
  readonly neededBy: readonly string[];
}

export interface LeftOut {
  readonly certificate: Certificate;
  readonly source: string;
  readonly why: 'expired' | typeof SIGNED | typeof ORPHAN;
}

export interface Bundle {
  readonly entries: readonly BundleEntry[];
  readonly leftOut: readonly LeftOut[];
  /** In the order of the hops. */
  readonly chains: readonly { readonly url: string; readonly chain: Chain }[];
  /** What is needed and vouched for by nobody but the host that needs it. */
  readonly untrusted: readonly BundleEntry[];
}

const SIGNED = 'a CA of the bundle signs it';
const ORPHAN = 'it is a server’s, and whoever has signed it is in no source';

/**
 * Chooses what has to be trusted: whatever the operator gave, and the anchors of all hops; without duplicates, without
 * what has expired, without certificates of servers that a CA of the bundle signs.
 * @param accepts whether a certificate that only its host vouches for is taken
 */
export function assembleBundle(
  found: readonly Found[],
  hops: readonly PresentedHop[],
  nowMs: number,
  accepts: (certificate: Certificate) => boolean,
): Bundle {
  const unique = firstOfEach(found);
  const candidates = unique.map(({ certificate }) => certificate);
  const chains = hops.flatMap(({ url, presented }) => {
    const [leaf] = presented;
    return leaf === undefined
      ? []
      : [{ url, chain: buildChain(leaf, [...presented, ...candidates], nowMs), presented }];
  });
  const needs = new Map<string, string[]>();
  for (const { url, chain, presented } of chains) {
    const own = new Set(presented.map(({ fingerprint }) => fingerprint));
    for (const certificate of chain.path) {
      if (certificate !== chain.anchor && own.has(certificate.fingerprint)) continue;
      needs.set(certificate.fingerprint, [...(needs.get(certificate.fingerprint) ?? []), url]);
    }
  }
  const entries: BundleEntry[] = [];
  const untrusted: BundleEntry[] = [];
  const leftOut: LeftOut[] = [];
  for (const { certificate, source, vouchedBy } of unique) {
    const neededBy = needs.get(certificate.fingerprint) ?? [];
    const entry = { certificate, source, neededBy };
    if (vouchedBy !== 'given' && neededBy.length === 0) {
      if (vouchedBy === 'system' && hops.length === 0) entries.push(entry);
      continue;
    }
    if (validityAt(certificate, nowMs) === 'expired') leftOut.push({ certificate, source, why: 'expired' });
    else if (!certificate.isCa && !certificate.isSelfSigned) {
      const why = isSignedByOther(certificate, candidates) ? SIGNED : ORPHAN;
      leftOut.push({ certificate, source, why });
    } else if (vouchedBy === 'host' && !accepts(certificate)) untrusted.push(entry);
    else entries.push(entry);
  }
  return {
    entries: entries.toSorted(byNeed),
    leftOut,
    chains: chains.map(({ url, chain }) => ({ url, chain })),
    untrusted,
  };
}

/** What the operator gave counts before the system, and that before a host's own word. */
function firstOfEach(found: readonly Found[]): readonly Found[] {
  const order = { given: 0, config: 1, system: 2, host: 3 } as const;
  const sorted = found.toSorted((one, other) => order[one.vouchedBy] - order[other.vouchedBy]);
  return [
    ...new Map(sorted.toReversed().map((each) => [each.certificate.fingerprint, each])).values(),
  ].toReversed();
}

function isSignedByOther(certificate: Certificate, candidates: readonly Certificate[]): boolean {
  return candidates.some(
    (candidate) =>
      candidate.isCa &&
      candidate.fingerprint !== certificate.fingerprint &&
      isIssuedBy(certificate, candidate),
  );
}

/** Those that hops need first, then by name. */
function byNeed(one: BundleEntry, other: BundleEntry): number {
  return (
    other.neededBy.length - one.neededBy.length ||
    one.certificate.subject.localeCompare(other.certificate.subject, 'en')
  );
}

/** A bundle as PEM text; a comment before each entry says what it is. */
export function bundleText({ entries }: Pick<Bundle, 'entries'>): string {
  return entries
    .map(({ certificate, source, neededBy }) => {
      const { subject, issuer, fingerprint, notBefore, notAfter, x509 } = certificate;
      const lines = [
        `subject: ${subject}`,
        `issuer: ${issuer}`,
        fingerprint,
        `valid from ${day(notBefore)} to ${day(notAfter)}`,
        `from ${source}`,
        ...(neededBy.length === 0 ? [] : [`needed by ${neededBy.join(', ')}`]),
      ];
      return `${lines.map((line) => `# ${line.replaceAll(/[^\x20-\x7e]/g, '?')}\n`).join('')}${x509.toString().trim()}\n`;
    })
    .join('\n');
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
