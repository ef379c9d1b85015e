import { createHash } from 'node:crypto';
import { type Digest, digestAlgorithm, formatDigest } from '../oci/digest.ts';
import { WrongDigestError } from './fill-error.ts';
import type { FoundBlob } from './receive.ts';

/**
 * A blob of no bytes has no last byte that could wait for the proof: it is proven before anybody sees it.
 * @throws {WrongDigestError} where the digest is not that of nothing
 */
export function proveNothing(digest: Digest, first: FoundBlob): void {
  if (first.sizeBytes !== 0) return;
  const algorithm = digestAlgorithm(digest);
  const nothing = formatDigest(algorithm, createHash(algorithm).digest('hex'));
  if (digest === nothing) return;
  first.body.abort(new Error('it sends no bytes'));
  throw new WrongDigestError(digest, nothing);
}
