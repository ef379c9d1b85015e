import { type ConfigNode, type ConfigPath, findNodes, isOn, nodeAt, textAt } from './config-node.ts';
import type { Problem } from './problem.ts';

const UPSTREAM = 'middleware.registry[].options.upstreams[]';
const LOOPBACK = /^http:\/\/(?:localhost|127\.|\[::1\])/i;

/** What works, but other than whoever wrote it may think. */
export function findWarnings(root: ConfigNode): readonly Problem[] {
  return [
    ...warnOfLogLevel(root),
    ...warnOfProxy(root),
    ...warnOfClientAuth(root),
    ...warnOfOriginAccess(root),
    ...warnOfPlainHttp(root),
    ...warnOfNoDebugServer(root),
  ];
}

function warnOfLogLevel(root: ConfigNode): readonly Problem[] {
  if (textAt(root, ['loglevel']) === undefined) return [];
  const overruled = textAt(root, ['log', 'level']) !== undefined;
  const message = overruled ? 'has no effect beside log.level' : 'is the old name of log.level; write that';
  return [{ path: ['loglevel'], message }];
}

function warnOfProxy(root: ConfigNode): readonly Problem[] {
  if (isOn(root, ['storage', 'delete', 'enabled']) || nodeAt(root, ['proxy'])?.kind !== 'mapping') return [];
  return [{ path: ['proxy'], message: 'keeps everything for ever, as storage.delete.enabled is not true' }];
}

function warnOfClientAuth(root: ConfigNode): readonly Problem[] {
  const path = ['http', 'tls', 'clientauth'];
  const authorities = nodeAt(root, ['http', 'tls', 'clientcas']);
  const named = authorities?.kind === 'list' && authorities.items.length > 0;
  if (named || textAt(root, path) === undefined) return [];
  return [{ path, message: 'has no effect without clientcas: no client certificate is asked for' }];
}

/** Credentials beside an origin are the origin's, which is not asked where there are hops and no fallback. */
function warnOfOriginAccess(root: ConfigNode): readonly Problem[] {
  return findNodes(root, `${UPSTREAM}.upstreamhosts`)
    .filter(({ path, node }) => {
      const fallback = textAt(root, [...path.slice(0, -1), 'fallback']) ?? '';
      return node.kind === 'list' && node.items.length > 0 && /^(?:false|no|off|n)$/i.test(fallback);
    })
    .flatMap(({ path }) =>
      ['username', 'certificate', 'realms'].map((key): ConfigPath => [...path.slice(0, -1), key]),
    )
    .filter((path) => nodeAt(root, path) !== undefined)
    .map((path) => ({
      path,
      message:
        'has no effect: it is meant for the origin, which is never asked with fallback: false; give it to upstreamhosts',
    }));
}

/** What the debug server tells is told nowhere without one. */
function warnOfNoDebugServer(root: ConfigNode): readonly Problem[] {
  if ((textAt(root, ['http', 'debug', 'addr']) ?? '') !== '') return [];
  const message = 'has no effect without http.debug.addr, where it would be told';
  const enabled = ['http', 'debug', 'prometheus', 'enabled'];
  return [
    ...(isOn(root, enabled) ? [enabled] : []),
    ...['file', 'http', 'tcp'].map((kind) => ['health', kind]).filter((path) => !isEmptyList(root, path)),
  ].map((path) => ({ path, message }));
}

function isEmptyList(root: ConfigNode, path: ConfigPath): boolean {
  const node = nodeAt(root, path);
  return node?.kind !== 'list' || node.items.length === 0;
}

function warnOfPlainHttp(root: ConfigNode): readonly Problem[] {
  const places = [
    ...findNodes(root, 'proxy').map(({ path }) => ({ path, url: 'remoteurl' })),
    ...findNodes(root, UPSTREAM).map(({ path }) => ({ path, url: 'originhost' })),
    ...findNodes(root, `${UPSTREAM}.upstreamhosts[]`).map(({ path }) => ({ path, url: 'url' })),
  ];
  return places
    .filter(({ path, url }) => {
      const address = textAt(root, [...path, url]) ?? '';
      return (
        /^http:/i.test(address) &&
        !LOOPBACK.test(address) &&
        (textAt(root, [...path, 'username']) ?? '') !== ''
      );
    })
    .map(({ path }) => ({
      path: [...path, 'username'],
      message: 'is sent with its password over plain http, for all to read; use https',
    }));
}
