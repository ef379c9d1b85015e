import type { RepositoryName } from './repository-name.ts';

/**
 * An origin's name as clients know it: a host with an optional port, in lower case (`docker.io`,
 * `dtr.example.com:5000`, `[::1]:5000`); made by {@link parseNamespace} only.
 */
export type Namespace = string & { readonly __brand: 'Namespace' };

/** A repository of one origin. */
export interface Repository {
  readonly namespace: Namespace;
  readonly name: RepositoryName;
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const DOCKER_HUB_ALIASES = new Set(['registry-1.docker.io', 'index.docker.io']);

/** Docker Hub's namespace: its one-segment names mean `library/…`. */
export const DOCKER_HUB: Namespace = parseNamespace('docker.io');

/** Reads a namespace; Docker Hub's other names become `docker.io`. Undefined where it is malformed. */
export function readNamespace(text: string): Namespace | undefined {
  const lower = text.toLowerCase();
  const name = DOCKER_HUB_ALIASES.has(lower) ? 'docker.io' : lower;
  return isNamespace(name) ? name : undefined;
}

function isNamespace(text: string): text is Namespace {
  return HOST.test(text) && !text.includes('..');
}

/**
 * Parses a namespace.
 * @throws {TypeError} where it is malformed
 */
export function parseNamespace(text: string): Namespace {
  const namespace = readNamespace(text);
  if (namespace === undefined) throw new TypeError(`not a namespace: ${text}`);
  return namespace;
}

/** One string for a repository of one origin: the key of maps, never a path. */
export function repositoryKey(repository: Repository): string {
  return `${repository.namespace}/${repository.name}`;
}
