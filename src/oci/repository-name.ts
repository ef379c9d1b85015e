import { RegistryError } from './error.ts';

/** A repository's name as the distribution-spec defines it; made by {@link parseRepositoryName} only. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };

/** Bytes; the limit that Distribution and the spec's note on hostnames agree on. */
const MAX_LENGTH = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;

/** Whether `text` is a repository name (distribution-spec, "Pulling manifests"). */
export function isRepositoryName(text: string): text is RepositoryName {
  return text.length <= MAX_LENGTH && text.split('/').every((component) => COMPONENT.test(component));
}

/**
 * Parses a repository name.
 * @throws {RegistryError} NAME_INVALID
 */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw new RegistryError('NAME_INVALID', 'the repository name is not valid', {
    detail: { name: text.slice(0, 300) },
  });
}
