import { type Certificate, isIssuedBy, validityAt } from './certificate.ts';

/** The way from a server's certificate to what has to be trusted for it. */
export interface Chain {
  /** The server's own first; each was signed by the next one. */
  readonly path: readonly Certificate[];
  /** The last one, where it vouches for itself: what has to be trusted. */
  readonly anchor: Certificate | undefined;
  /** Who has signed the last one, where nobody has its certificate. */
  readonly missingIssuer: string | undefined;
}

const LONGEST = 10;

/**
 * Builds the way up from a certificate. Where several could have signed it (a CA whose certificate was renewed, or that
 * another one vouches for too), one that is valid now is tried first, and the way that leads to an anchor is taken.
 */
export function buildChain(leaf: Certificate, candidates: readonly Certificate[], nowMs: number): Chain {
  return climb([leaf], leaf, [...candidates], nowMs);
}

function climb(
  path: readonly Certificate[],
  last: Certificate,
  candidates: Certificate[],
  nowMs: number,
): Chain {
  if (last.isSelfSigned) return { path, anchor: last, missingIssuer: undefined };
  let longest: Chain = { path, anchor: undefined, missingIssuer: last.issuer };
  if (path.length === LONGEST) return longest;
  for (const issuer of issuersOf(last, candidates, path, nowMs)) {
    if (!candidates.includes(issuer)) continue;
    const chain = climb([...path, issuer], issuer, candidates, nowMs);
    if (chain.anchor !== undefined) return chain;
    if (chain.path.length > longest.path.length) longest = chain;
    // What leads nowhere from here leads nowhere at all: many CAs that vouch for each other take no longer.
    candidates.splice(candidates.indexOf(issuer), 1);
  }
  return longest;
}

function issuersOf(
  certificate: Certificate,
  candidates: readonly Certificate[],
  path: readonly Certificate[],
  nowMs: number,
): readonly Certificate[] {
  const signers = candidates.filter(
    (candidate) =>
      candidate.isCa &&
      !path.some(({ fingerprint }) => fingerprint === candidate.fingerprint) &&
      isIssuedBy(certificate, candidate),
  );
  const rank = (candidate: Certificate): number =>
    (validityAt(candidate, nowMs) === 'valid' ? 2 : 0) + (candidate.isSelfSigned ? 1 : 0);
  return signers.toSorted((one, other) => rank(other) - rank(one));
}
