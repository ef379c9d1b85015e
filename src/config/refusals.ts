import { type ConfigNode, findNodes, nodeAt } from './config-node.ts';
import type { Problem } from './problem.ts';

/** A part of the format that this program does not do, so that it must not look as if it did. */
interface Refusal {
  /** {@link findNodes}' pattern. */
  readonly pattern: string;
  /** What to do instead. */
  readonly instead: string;
  /** Whether this value asks for nothing that is missing. */
  readonly harmless?: (node: ConfigNode) => boolean;
}

const UPSTREAM = 'middleware.registry[].options.upstreams[]';
const AUTH = 'leave it out; until then ask for client certificates with http.tls.clientcas';
const DRIVER = 'keep the store on a file system: storage.filesystem.rootdirectory';
const PASSWORD_FILE = 'write username and passwordfile';

export const REFUSALS: readonly Refusal[] = [
  { pattern: 'auth.htpasswd', instead: AUTH },
  { pattern: 'auth.token', instead: AUTH },
  { pattern: 'auth.silly', instead: AUTH },
  { pattern: 'auth.origin', instead: AUTH },
  { pattern: 'auth.director', instead: AUTH },
  ...['azure', 'cos', 'gcs', 'inmemory', 'oss', 's3', 's3aws', 's3goamz', 'swift'].map((driver) => ({
    pattern: `storage.${driver}`,
    instead: DRIVER,
  })),
  {
    pattern: 'storage.maintenance.readonly.enabled',
    instead: 'write false: a cache that may not store cannot do its work',
    harmless: isFalse,
  },
  { pattern: 'http.workers', instead: 'one process serves all clients: write 1', harmless: isNumber(1) },
  { pattern: 'http.limits.connectionsperclient', instead: 'write 0, no limit', harmless: isNumber(0) },
  {
    pattern: 'http.tls.letsencrypt',
    instead: 'write certificate and key, and let an ACME client renew them',
    harmless: isEmpty,
  },
  { pattern: 'proxy.exec', instead: 'write username and password', harmless: isEmpty },
  { pattern: 'proxy.remotenamespace', instead: 'leave it out, and pull by the full name', harmless: isEmpty },
  { pattern: 'middleware.repository', instead: 'leave it out', harmless: isEmpty },
  {
    pattern: 'middleware.storage',
    instead: 'leave it out: blobs are always served from here',
    harmless: isEmpty,
  },
  { pattern: `${UPSTREAM}.credentialhelper`, instead: PASSWORD_FILE },
  { pattern: `${UPSTREAM}.dockerconfig`, instead: PASSWORD_FILE },
  { pattern: `${UPSTREAM}.upstreamhosts[].credentialhelper`, instead: PASSWORD_FILE },
  {
    pattern: 'middleware.registry[].options.maxsize',
    instead: 'leave it out, and set blobttl to bound the store',
  },
  {
    pattern: 'middleware.registry[].options.digestttl',
    instead: 'leave it out: a held digest is not asked again',
  },
  {
    pattern: 'middleware.registry[]',
    instead: 'the one middleware there is, is named downstream',
    harmless: (node) =>
      isText('downstream')(nodeAt(node, ['name']) ?? node) || nodeAt(node, ['name']) === undefined,
  },
];

/** All that a configuration asks for and is not built. */
export function findRefusals(root: ConfigNode): readonly Problem[] {
  return REFUSALS.flatMap(({ pattern, instead, harmless = () => false }) =>
    findNodes(root, pattern)
      .filter(({ node }) => !harmless(node))
      .map(({ path }) => ({ path, message: `not built yet; ${instead}` })),
  );
}

function isNumber(number: number): (node: ConfigNode) => boolean {
  return (node) => node.kind === 'scalar' && (node.value === number || node.value === null);
}

function isText(text: string): (node: ConfigNode) => boolean {
  return (node) => node.kind === 'scalar' && (node.text.toLowerCase() === text || node.value === null);
}

function isFalse(node: ConfigNode): boolean {
  return node.kind === 'scalar' && (node.value === null || /^(?:false|no|off|n)$/i.test(node.text));
}

function isEmpty(node: ConfigNode): boolean {
  if (node.kind === 'list') return node.items.length === 0;
  if (node.kind === 'mapping') return [...node.entries.values()].every(isEmpty);
  return node.value === null || node.value === false || node.value === '';
}
