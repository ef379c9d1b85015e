import { isRepositoryName } from '../oci/repository-name.ts';
import type { Origin, Setup } from './client.ts';

/** What stands before a repository's name in the name of an image that is pulled from the cache itself. */
export type ImagePrefix =
  { readonly kind: 'prefix'; readonly prefix: string } | { readonly kind: 'none'; readonly reason: string };

/**
 * `cache.example.com:5000/docker.io`. An image's name has no place for a path before `/v2/`, nor for a port in a
 * later part; the default namespace needs no such part.
 */
export function imagePrefix(setup: Setup, origin: Origin): ImagePrefix {
  const { authority, path } = setup.cache;
  if (path !== '') {
    return { kind: 'none', reason: `an image's name has no place for the path ${path}/ before v2/` };
  }
  if (isRepositoryName(origin.namespace))
    return { kind: 'prefix', prefix: `${authority}/${origin.namespace}` };
  if (origin === setup.origins[0]) return { kind: 'prefix', prefix: authority };
  return {
    kind: 'none',
    reason: `the namespace ${origin.namespace} cannot be a part of an image's name (no colon may stand there)`,
  };
}
