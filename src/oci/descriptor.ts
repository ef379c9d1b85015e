import { type Digest, isDigest } from './digest.ts';
import { type MediaType, parseMediaType } from './media-type.ts';

/** What names content: image-spec, descriptor.md. */
export interface Descriptor {
  readonly mediaType: MediaType;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Where the content lies instead; such blobs are not in the registry ("foreign layers"). */
  readonly urls: readonly string[];
}

/** Reads a descriptor out of parsed JSON; undefined where a required property is missing or malformed. */
export function readDescriptor(json: unknown): Descriptor | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { mediaType, digest, size, urls } = json as Record<string, unknown>;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const type = typeof mediaType === 'string' ? parseMediaType(mediaType) : undefined;
  if (type === undefined) return undefined;
  const places = Array.isArray(urls) ? urls.filter((url): url is string => typeof url === 'string') : [];
  return { mediaType: type, digest, sizeBytes: size, urls: places };
}
