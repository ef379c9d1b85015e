import { readNamespace } from '../oci/namespace.ts';
import {
  type ConfigNode,
  type ConfigPath,
  findNodes,
  isOn,
  nodeAt,
  originAt,
  textAt,
} from './config-node.ts';
import { parseListenAddress } from './listen-address.ts';
import type { Problem } from './problem.ts';
import { parseServerUrl } from './server-url.ts';

const OPTIONS = 'middleware.registry[].options';
const NO_DRIVERS = new Set(['delete', 'maintenance', 'cache', 'redirect', 'tag']);

/**
 * What the keys of a configuration must agree on among themselves. Works on what was written, so that it can speak
 * even where single values are wrong.
 */
export function checkRules(root: ConfigNode): readonly Problem[] {
  return [
    ...checkSource(root),
    ...checkStorage(root),
    ...checkAddresses(root),
    ...checkTls(root),
    ...checkBlobTtl(root),
    ...checkUpstreams(root),
    ...checkAccess(root),
  ];
}

function checkSource(root: ConfigNode): readonly Problem[] {
  const [downstream, second] = findNodes(root, 'middleware.registry[].options').filter(
    ({ path }) =>
      (textAt(root, [...path.slice(0, -1), 'name']) ?? 'downstream').toLowerCase() === 'downstream',
  );
  const proxy = findNodes(root, 'proxy').find(({ node }) => node.kind === 'mapping');
  if (second !== undefined)
    return [
      { path: second.path.slice(0, -1), message: 'a second downstream; put its upstreams in the first' },
    ];
  if (downstream !== undefined && proxy !== undefined) {
    return [{ path: proxy.path, message: 'stands beside the middleware downstream; keep one of the two' }];
  }
  if (proxy !== undefined) {
    const url = nodeAt(root, ['proxy', 'remoteurl']);
    const hasUrl = url !== undefined && (url.kind !== 'scalar' || url.value !== null);
    return hasUrl
      ? []
      : [{ path: ['proxy', 'remoteurl'], message: 'is required, such as https://registry-1.docker.io' }];
  }
  const named = findNodes(root, 'middleware.registry[]').some(({ node }) => node.kind === 'mapping');
  if (downstream !== undefined || named) return [];
  return [
    {
      path: [],
      message:
        'nothing to pull from; write `proxy: {remoteurl: "https://registry-1.docker.io"}`, or `middleware: ' +
        '{registry: [{name: downstream, options: {upstreams: [{originhost: "https://registry.example.com"}]}}]}`',
    },
  ];
}

function checkStorage(root: ConfigNode): readonly Problem[] {
  const storage = nodeAt(root, ['storage']);
  if (storage !== undefined && storage.kind !== 'mapping') return [];
  const drivers = [...(storage?.entries.keys() ?? [])].filter((key) => !NO_DRIVERS.has(key));
  if (drivers.length === 0) {
    return [
      {
        path: ['storage'],
        message: 'no driver; write `filesystem: {rootdirectory: /var/lib/registry}` in it',
      },
    ];
  }
  if (drivers.length === 1 || !drivers.includes('filesystem')) return [];
  return [{ path: ['storage'], message: `more than one driver (${drivers.join(', ')}); keep filesystem` }];
}

function checkAddresses(root: ConfigNode): readonly Problem[] {
  const net = textAt(root, ['http', 'net'])?.toLowerCase() ?? 'tcp';
  return [
    { path: ['http', 'addr'], net: net === 'unix' ? net : 'tcp' },
    { path: ['http', 'debug', 'addr'], net: 'tcp' },
  ].flatMap(({ path, net: network }) => {
    const address = textAt(root, path) ?? '';
    const result = parseListenAddress(address, network);
    return address === '' || result.ok ? [] : [{ path, message: result.problem }];
  });
}

function checkTls(root: ConfigNode): readonly Problem[] {
  const path = ['http', 'tls'];
  const tls = nodeAt(root, path);
  const keys = tls?.kind === 'mapping' ? [...tls.entries.keys()].filter((key) => key !== 'letsencrypt') : [];
  if (keys.length === 0 || keys.includes('certificate') || keys.includes('key')) return checkPair(root, path);
  return [{ path, message: 'needs certificate and key; write both, or leave tls out to serve plain http' }];
}

function checkBlobTtl(root: ConfigNode): readonly Problem[] {
  if (isOn(root, ['storage', 'delete', 'enabled'])) return [];
  return findNodes(root, `${OPTIONS}.blobttl`)
    .filter(({ node }) => node.kind !== 'scalar' || node.value !== null)
    .map(({ path }) => ({
      path,
      message: 'needs storage.delete.enabled: true; write it, or leave blobttl out',
    }));
}

function checkUpstreams(root: ConfigNode): readonly Problem[] {
  const problems: Problem[] = [];
  for (const { path, node } of findNodes(root, `${OPTIONS}.upstreams`)) {
    if (node.kind !== 'list') continue;
    const plain = node.items.filter((item) => item.kind === 'scalar').length;
    if (node.items.length === 0) problems.push({ path, message: 'is empty; write an originhost or a URL' });
    if (plain > 0 && plain < node.items.length) {
      problems.push({ path, message: 'mixes URLs and mappings; write an originhost for each' });
    }
  }
  const names = new Map<string, ConfigPath>();
  for (const { path } of findNodes(root, `${OPTIONS}.upstreams[]`)) {
    const name = namespaceAt(root, path);
    if (name === undefined) continue;
    if (names.has(name)) {
      problems.push({
        path,
        message: `a second upstream for the namespace \`${name}\`; keep one, or give it another namespace`,
      });
    }
    names.set(name, path);
  }
  return problems;
}

function namespaceAt(root: ConfigNode, path: ConfigPath): string | undefined {
  const named = textAt(root, [...path, 'namespace']);
  if (named !== undefined) return readNamespace(named);
  const originPath = [...path, 'originhost'];
  const url = parseServerUrl(textAt(root, originPath) ?? '');
  return url.ok ? readNamespace(new URL(url.value).host) : undefined;
}

/** Where credentials and client certificates may stand. */
const ACCESS = ['proxy', `${OPTIONS}.upstreams[]`, `${OPTIONS}.upstreams[].upstreamhosts[]`];

function checkAccess(root: ConfigNode): readonly Problem[] {
  return ACCESS.flatMap((pattern) => findNodes(root, pattern)).flatMap(({ path }) => [
    ...checkCredentials(root, path),
    ...checkPair(root, path),
  ]);
}

function checkCredentials(root: ConfigNode, path: ConfigPath): readonly Problem[] {
  const written = (key: string): boolean => (textAt(root, [...path, key]) ?? '') !== '';
  if (written('password') && written('passwordfile')) {
    return [{ path: [...path, 'passwordfile'], message: 'stands beside a password; keep one of the two' }];
  }
  const password = written('password') || written('passwordfile');
  if (written('username') === password) return [];
  if (!password) return [missing(root, path, 'password', 'username')];
  return [missing(root, path, 'username', written('password') ? 'password' : 'passwordfile')];
}

function checkPair(root: ConfigNode, path: ConfigPath): readonly Problem[] {
  const certificate = textAt(root, [...path, 'certificate']) !== undefined;
  const key = textAt(root, [...path, 'key']) !== undefined;
  if (certificate === key) return [];
  return [
    certificate ? missing(root, path, 'key', 'certificate') : missing(root, path, 'certificate', 'key'),
  ];
}

/** A key that is missing is looked for where its companion stands. */
function missing(root: ConfigNode, path: ConfigPath, key: string, beside: string): Problem {
  const origin = originAt(root, [...path, beside]);
  const message = `is missing beside the ${beside}; write it`;
  return { path: [...path, key], message, ...(origin === undefined ? {} : { origin }) };
}
