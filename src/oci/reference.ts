import { type Digest, parseDigest } from './digest.ts';
import { RegistryError } from './error.ts';

/** A tag as the distribution-spec defines it; made by {@link parseTag} only. */
export type Tag = string & { readonly __brand: 'Tag' };

/** What a manifest is asked for by. */
export type Reference =
  { readonly kind: 'tag'; readonly tag: Tag } | { readonly kind: 'digest'; readonly digest: Digest };

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Whether `text` is a tag (distribution-spec, "Pulling manifests"). */
export function isTag(text: string): text is Tag {
  return TAG.test(text);
}

/**
 * Parses a tag.
 * @throws {RegistryError} TAG_INVALID
 */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new RegistryError('TAG_INVALID', 'the tag is not valid', { detail: { tag: text.slice(0, 160) } });
}

/**
 * Parses a tag or a digest; whatever holds a colon can only be a digest.
 * @throws {RegistryError} TAG_INVALID or DIGEST_INVALID
 */
export function parseReference(text: string): Reference {
  if (text.includes(':')) return { kind: 'digest', digest: parseDigest(text) };
  return { kind: 'tag', tag: parseTag(text) };
}

/** The reference as it stands in a URL. */
export function formatReference(reference: Reference): string {
  return reference.kind === 'tag' ? reference.tag : reference.digest;
}
