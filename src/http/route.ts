import { type Digest, parseDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/error.ts';
import { DOCKER_HUB, type Namespace, readNamespace, type Repository } from '../oci/namespace.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';

/** What a request target means: parsed once, and right from here on. */
export type Route =
  | { readonly kind: 'ping' }
  | { readonly kind: 'manifest'; readonly repository: Repository; readonly reference: Reference }
  | { readonly kind: 'blob'; readonly repository: Repository; readonly digest: Digest }
  | { readonly kind: 'tags'; readonly repository: Repository; readonly query: URLSearchParams }
  | {
      readonly kind: 'referrers';
      readonly repository: Repository;
      readonly subject: Digest;
      readonly query: URLSearchParams;
    }
  | { readonly kind: 'catalog'; readonly namespace: Namespace; readonly query: URLSearchParams };

/** The namespaces that this cache serves; a request can name no other. */
export interface Namespaces {
  /** Whose repositories plain names mean. */
  readonly default: Namespace;
  readonly all: ReadonlySet<Namespace>;
}

export interface ParsedTarget {
  readonly route: Route;
  /** The namespace that the request named by `ns`, to be echoed as `OCI-Namespace`. */
  readonly asked: Namespace | undefined;
}

/** Which page of a list is asked for; `next_page` is Quay's. */
export const PAGE_KEYS: readonly string[] = ['n', 'last', 'next_page'];

const MAX_TARGET_LENGTH = 4096;

/**
 * Parses a request target (distribution-spec, "Endpoints").
 * @param prefix where the API lies: `/` or `/some/path/`
 * @throws {RegistryError} NAME_UNKNOWN, NAME_INVALID, TAG_INVALID, DIGEST_INVALID, UNSUPPORTED
 */
export function parseTarget(target: string, prefix: string, namespaces: Namespaces): ParsedTarget {
  if (!target.startsWith('/') || target.length > MAX_TARGET_LENGTH) throw noSuchPath();
  const [path, search] = splitOnce(target, '?');
  if (!path.startsWith(prefix)) throw noSuchPath();
  const query = new URLSearchParams(search);
  const asked = askedNamespace(query, namespaces);
  const [first = '', ...rest] = path.slice(prefix.length).split('/').map(decodeSegment);
  if (first === 'v2') return { route: parseEndpoint(rest, query, asked, undefined, namespaces), asked };
  const [version, ...below] = rest;
  const prefixed = configured(first, namespaces);
  if (version !== 'v2' || prefixed === undefined) throw noSuchPath();
  // Answering for either of two namespaces would hand out one origin's image under another one's name.
  if (asked !== undefined && asked !== prefixed) throw unknownNamespace(query.get('ns') ?? '');
  return { route: parseEndpoint(below, query, asked, prefixed, namespaces), asked };
}

function parseEndpoint(
  segments: readonly string[],
  query: URLSearchParams,
  asked: Namespace | undefined,
  prefixed: Namespace | undefined,
  namespaces: Namespaces,
): Route {
  if (segments.length === 0 || (segments.length === 1 && segments[0] === '')) return { kind: 'ping' };
  if (segments.at(-1) === '_catalog') {
    const namespace = catalogNamespace(segments.slice(0, -1), prefixed ?? asked, namespaces);
    return { kind: 'catalog', namespace, query: listQuery(query, []) };
  }
  const noun = segments.at(-2);
  const last = segments.at(-1) ?? '';
  const repository = (): Repository => parseRepository(segments.slice(0, -2), prefixed ?? asked, namespaces);
  switch (noun) {
    case 'manifests':
      return { kind: 'manifest', repository: repository(), reference: parseReference(last) };
    case 'blobs':
      if (last === 'uploads') throw readOnly();
      return { kind: 'blob', repository: repository(), digest: parseDigest(last) };
    case 'uploads':
      throw readOnly();
    case 'tags':
      if (last !== 'list') throw noSuchPath();
      return { kind: 'tags', repository: repository(), query: listQuery(query, []) };
    case 'referrers':
      return {
        kind: 'referrers',
        repository: repository(),
        subject: parseDigest(last),
        query: listQuery(query, ['artifactType']),
      };
    default:
      if (segments.includes('uploads')) throw readOnly();
      throw noSuchPath();
  }
}

function parseRepository(
  segments: readonly string[],
  named: Namespace | undefined,
  namespaces: Namespaces,
): Repository {
  const [first = '', ...rest] = segments;
  const prefix = rest.length > 0 ? configured(first, namespaces) : undefined;
  const namespace = named ?? prefix ?? namespaces.default;
  // Where `ns` names another one, what looks like a prefix is a part of the name.
  const components = prefix === namespace ? rest : segments;
  // Docker Hub's official images: `alpine` is `library/alpine`.
  const official = namespace === DOCKER_HUB && components.length === 1;
  const name = parseRepositoryName([...(official ? ['library'] : []), ...components].join('/'));
  return { namespace, name };
}

function askedNamespace(query: URLSearchParams, namespaces: Namespaces): Namespace | undefined {
  const ns = query.get('ns');
  if (ns === null) return undefined;
  const namespace = configured(ns, namespaces);
  if (namespace !== undefined) return namespace;
  throw unknownNamespace(ns);
}

function unknownNamespace(ns: string): RegistryError {
  return new RegistryError('NAME_UNKNOWN', 'this cache does not serve that namespace', {
    detail: { ns: ns.slice(0, 255) },
  });
}

function configured(text: string, namespaces: Namespaces): Namespace | undefined {
  const namespace = readNamespace(text);
  return namespace !== undefined && namespaces.all.has(namespace) ? namespace : undefined;
}

/** The catalog of one namespace: of the one that the path or `ns` names, or the default. */
function catalogNamespace(
  prefix: readonly string[],
  named: Namespace | undefined,
  namespaces: Namespaces,
): Namespace {
  const [first] = prefix;
  if (first === undefined) return named ?? namespaces.default;
  const namespace = configured(first, namespaces);
  if (prefix.length > 1 || namespace === undefined || (named ?? namespace) !== namespace) throw noSuchPath();
  return namespace;
}

function listQuery(query: URLSearchParams, filters: readonly string[]): URLSearchParams {
  const page = new URLSearchParams();
  const n = query.get('n');
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw new RegistryError('PAGINATION_NUMBER_INVALID', 'n must be a number', {
      detail: { n: n.slice(0, 64) },
    });
  }
  for (const key of [...PAGE_KEYS, ...filters]) {
    const value = query.get(key);
    if (value !== null) page.set(key, value.slice(0, 512));
  }
  return page;
}

/** Names need no escapes but `%3A`; a slash or a NUL that hides in one can only be meant ill. */
function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    const decoded = decodeURIComponent(segment);
    if (!/[/\\%\0]/.test(decoded)) return decoded;
  } catch {
    // Falls through to the same answer.
  }
  throw new RegistryError('NAME_INVALID', 'the path holds an escape that no name has');
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function noSuchPath(): RegistryError {
  return new RegistryError('UNSUPPORTED', 'there is no such endpoint', { status: 404 });
}

/** The answer to every write. */
export function readOnly(): RegistryError {
  return new RegistryError('UNSUPPORTED', 'this registry is a read-only cache: push to the origin instead', {
    headers: { allow: 'GET, HEAD' },
  });
}
