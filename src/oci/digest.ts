import { RegistryError } from './error.ts';

/** `algorithm:hex` of registered algorithms only; made by {@link parseDigest} and nothing else. */
export type Digest = string & { readonly __brand: 'Digest' };

export type DigestAlgorithm = 'sha256' | 'sha512';

const DIGEST = /^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Whether `text` is a digest of a registered algorithm (image-spec, descriptor.md, "Registered Algorithms"). */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/**
 * Parses a digest.
 * @throws {RegistryError} DIGEST_INVALID
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new RegistryError('DIGEST_INVALID', 'the digest is not sha256 or sha512 in lower-case hexadecimal', {
    detail: { digest: text.slice(0, 160) },
  });
}

export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha256:') ? 'sha256' : 'sha512';
}

/** The hexadecimal part: 64 characters for sha256, 128 for sha512. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/**
 * Puts an algorithm and a hexadecimal sum together.
 * @throws {RegistryError} DIGEST_INVALID where the sum has the wrong length or characters
 */
export function formatDigest(algorithm: DigestAlgorithm, hex: string): Digest {
  return parseDigest(`${algorithm}:${hex}`);
}
