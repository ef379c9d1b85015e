import { hash } from 'node:crypto';
import { type Digest, digestAlgorithm, formatDigest } from '../oci/digest.ts';

/** The digest that bytes in memory have, by the algorithm of the one they are said to have. */
export function digestOf(bytes: Buffer, like: Digest): Digest {
  const algorithm = digestAlgorithm(like);
  return formatDigest(algorithm, hash(algorithm, bytes, 'hex'));
}
