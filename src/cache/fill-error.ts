import type { Digest } from '../oci/digest.ts';

/** The bytes that came are not those that were asked for. */
export class WrongDigestError extends Error {
  override readonly name = 'WrongDigestError';
  readonly wanted: Digest;
  readonly got: Digest;

  constructor(wanted: Digest, got: Digest) {
    super(`wanted ${wanted}, got ${got}`);
    this.wanted = wanted;
    this.got = got;
  }
}

/** A connection was silent for so long that another one has taken what it lacks. */
export class StalledError extends Error {
  override readonly name = 'StalledError';
}
