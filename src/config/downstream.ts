import { type Namespace, parseNamespace } from '../oci/namespace.ts';
import type { ClientCertificate, Credentials, HopConfig, UpstreamConfig, UpstreamLimits } from './config.ts';
import { passwordOf } from './configured-files.ts';
import type { ConfigData } from './schema.ts';

type Middleware = NonNullable<NonNullable<ConfigData['middleware']>['registry'][number]>;
type Upstream = Middleware['options']['upstreams'][number];
type UpstreamMapping = Exclude<Upstream, string>;
type Hop = UpstreamMapping['upstreamhosts'][number];

interface Access {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordfile?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

/** The contents of files, by path. */
export type Contents = ReadonlyMap<string, string>;

/** Where there is no origin beside the hops. */
const LONE = { balance: 'repository', fallback: undefined } as const;
const DEFAULT_LIMITS: UpstreamLimits = { connections: 32, rateBytesPerSecond: undefined };

/** The options of the middleware that is in force; undefined where there is none. */
export function downstreamOptions(data: ConfigData): Middleware['options'] | undefined {
  return data.middleware?.registry.find((entry) => entry !== undefined && !entry.disabled)?.options;
}

/** All upstreams in their order: those of the middleware `downstream`, or the one of `proxy`. */
export function buildUpstreams(data: ConfigData, contents: Contents): readonly UpstreamConfig[] {
  const options = downstreamOptions(data);
  if (options === undefined) return data.proxy === undefined ? [] : buildProxy(data.proxy);
  const urls = options.upstreams.filter((upstream) => typeof upstream === 'string');
  const origins = options.upstreams.filter((upstream) => typeof upstream !== 'string');
  return [
    ...buildPlainList(urls, options.cas),
    ...origins.map((upstream) => buildUpstream(upstream, options.cas, contents)),
  ];
}

function buildProxy(proxy: NonNullable<ConfigData['proxy']>): readonly UpstreamConfig[] {
  if (proxy.remoteurl === undefined) return [];
  const origin = buildHop(
    { url: proxy.remoteurl, role: 'origin', caFiles: [], realms: [] },
    proxy,
    new Map(),
  );
  const namespace = namespaceOf(proxy.remoteurl);
  return [{ ...LONE, namespace, sendNamespace: false, hops: [origin], limits: DEFAULT_LIMITS }];
}

/** Hops of one origin whose name is not known: it is called by its first hop, and no hop is told. */
function buildPlainList(urls: readonly string[], caFiles: readonly string[]): readonly UpstreamConfig[] {
  const [first, ...others] = urls.map((url) =>
    buildHop({ url, role: 'hop', caFiles, realms: [] }, {}, new Map()),
  );
  if (first === undefined) return [];
  const namespace = namespaceOf(first.url);
  return [{ ...LONE, namespace, sendNamespace: false, hops: [first, ...others], limits: DEFAULT_LIMITS }];
}

function buildUpstream(
  upstream: UpstreamMapping,
  cas: readonly string[],
  contents: Contents,
): UpstreamConfig {
  const { originhost, realms, limits, balance, fallback } = upstream;
  const [first, ...others] = upstream.upstreamhosts.map((hop) => buildNextHop(hop, cas, contents));
  const origin = buildHop({ url: originhost, role: 'origin', caFiles: cas, realms }, upstream, contents);
  return {
    namespace: upstream.namespace ?? namespaceOf(originhost),
    sendNamespace: first !== undefined,
    hops: first === undefined ? [origin] : [first, ...others],
    balance,
    fallback: fallback && first !== undefined ? origin : undefined,
    limits: { connections: limits.connections, rateBytesPerSecond: limits.rate },
  };
}

function buildNextHop(hop: Hop, cas: readonly string[], contents: Contents): HopConfig {
  if (typeof hop === 'string') {
    return buildHop({ url: hop, role: 'hop', caFiles: cas, realms: [] }, {}, contents);
  }
  return buildHop({ url: hop.url, role: 'hop', caFiles: [...cas, ...hop.cas], realms: [] }, hop, contents);
}

function buildHop(
  hop: Pick<HopConfig, 'url' | 'role' | 'caFiles' | 'realms'>,
  access: Access,
  contents: Contents,
): HopConfig {
  return { ...hop, credentials: credentialsOf(access, contents), clientCertificate: certificateOf(access) };
}

function credentialsOf(access: Access, contents: Contents): Credentials | undefined {
  const file = access.passwordfile === undefined ? undefined : contents.get(access.passwordfile);
  const password = access.password || (file === undefined ? undefined : passwordOf(file));
  return access.username && password ? { username: access.username, password } : undefined;
}

function certificateOf({ certificate, key }: Access): ClientCertificate | undefined {
  return certificate !== undefined && key !== undefined
    ? { certificateFile: certificate, keyFile: key }
    : undefined;
}

/** The name of an origin that was given none: its host, with the port if that is not the scheme's. */
function namespaceOf(url: string): Namespace {
  return parseNamespace(new URL(url).host);
}
