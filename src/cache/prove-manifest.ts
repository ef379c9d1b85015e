import { createHash } from 'node:crypto';
import { digestAlgorithm, formatDigest } from '../oci/digest.ts';
import { readManifest } from '../oci/manifest.ts';
import type { Reference } from '../oci/reference.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { FoundManifest } from '../upstream/upstream.ts';
import type { HeldManifest } from './held-manifests.ts';

/**
 * Proves a fetched manifest: by the digest asked for, else by the one that the upstream claims, else it is given
 * one. What is no JSON object (a login page, say) is no manifest.
 * @throws {UpstreamError} `protocol`
 */
export function proveManifest(reference: Reference, answer: FoundManifest): HeldManifest {
  const { bytes } = answer;
  if (bytes === undefined) throw new UpstreamError('protocol', 'it sent no manifest');
  const wanted = reference.kind === 'digest' ? reference.digest : answer.digest;
  const algorithm = wanted === undefined ? 'sha256' : digestAlgorithm(wanted);
  const digest = formatDigest(algorithm, createHash(algorithm).update(bytes).digest('hex'));
  if (wanted !== undefined && wanted !== digest) {
    throw new UpstreamError('protocol', `it sent a wrong manifest: wanted ${wanted}, got ${digest}`);
  }
  const content = readManifest(bytes);
  if (content === undefined) {
    throw new UpstreamError('protocol', 'it sent something that is no manifest', {
      hint: 'check that its URL is that of a registry, not of a web page or a proxy’s login',
    });
  }
  return { digest, mediaType: answer.mediaType ?? content.mediaType, sizeBytes: bytes.length, bytes };
}
