import { opensslCipherSuite } from './cipher-suites.ts';
import type {
  CacheConfig,
  ClientAuth,
  Config,
  DebugConfig,
  HttpConfig,
  ListenAddress,
  TlsServerConfig,
  UpstreamConfig,
} from './config.ts';
import { buildUpstreams, type Contents, downstreamOptions } from './downstream.ts';
import { buildHealthChecks } from './health-checks.ts';
import { parseListenAddress } from './listen-address.ts';
import type { ConfigData } from './schema.ts';
import { DEFAULT_PREFETCH_BYTES } from './schema-downstream.ts';

/**
 * Turns a configuration that was found to be in order into what a daemon is given.
 * @throws {TypeError} where it was not: the rules ought to have refused it
 */
export function buildConfig(data: ConfigData, contents: Contents): Config {
  const { log, storage } = data;
  return {
    log: {
      level: log.level ?? data.loglevel ?? 'info',
      formatter: log.formatter,
      fields: log.fields,
      accessLog: !log.accesslog.disabled,
    },
    storage: {
      root: storage.filesystem.rootdirectory,
      deleteEnabled: storage.delete.enabled,
    },
    http: buildHttp(data.http),
    cache: buildCache(data),
    healthChecks: buildHealthChecks(data.health),
    upstreams: atLeastOne(buildUpstreams(data, contents)),
  };
}

function atLeastOne(upstreams: readonly UpstreamConfig[]): Config['upstreams'] {
  const [first, ...others] = upstreams;
  if (first === undefined) throw new TypeError('a configuration without an upstream passed its checks');
  return [first, ...others];
}

function buildHttp(http: ConfigData['http']): HttpConfig {
  const { limits, debug } = http;
  return {
    listen: listenAddress(http.addr, http.net),
    prefix: http.prefix,
    headers: http.headers,
    drainTimeoutMs: http.draintimeout,
    tls: http.tls === undefined ? undefined : buildTls(http.tls),
    limits: {
      headerSizeBytes: limits.headersize,
      headerTimeMs: limits.headertime,
      connections: limits.connections,
      connectionsPerClient: limits.connectionsperclient,
    },
    debug: debug === undefined ? undefined : buildDebug(debug),
  };
}

function buildDebug({ addr, prometheus }: NonNullable<ConfigData['http']['debug']>): DebugConfig | undefined {
  if (addr === undefined) return undefined;
  return {
    listen: listenAddress(addr, 'tcp'),
    metricsPath: prometheus?.enabled === true ? prometheus.path : undefined,
  };
}

function listenAddress(text: string, net: string): ListenAddress {
  const address = parseListenAddress(text, net);
  if (!address.ok) throw new TypeError(`an address passed its checks: ${address.problem}`);
  return address.value;
}

const CLIENT_AUTH = {
  'request-client-cert': 'request',
  'require-any-client-cert': 'require-any',
  'verify-client-cert-if-given': 'verify-if-given',
  'require-and-verify-client-cert': 'require-and-verify',
} as const satisfies Record<string, ClientAuth>;

function buildTls(tls: NonNullable<ConfigData['http']['tls']>): TlsServerConfig | undefined {
  if (tls.certificate === undefined || tls.key === undefined) return undefined;
  return {
    certificateFile: tls.certificate,
    keyFile: tls.key,
    clientCaFiles: tls.clientcas,
    clientAuth: tls.clientcas.length === 0 ? 'none' : CLIENT_AUTH[tls.clientauth],
    minimumTls: tls.minimumtls === 'tls1.3' ? 'TLSv1.3' : 'TLSv1.2',
    cipherSuites: tls.ciphersuites.map((name) => opensslCipherSuite(name) ?? name),
  };
}

function buildCache(data: ConfigData): CacheConfig {
  const options = downstreamOptions(data);
  const ranges = options?.ranges;
  return {
    hopName: options?.name,
    blobTtlMs: options === undefined ? proxyTtlMs(data) : options.blobttl,
    blobTtlMode: options?.blobttlmode ?? 'idle',
    tagTtlMs: options?.tagttl ?? 0,
    staleIfErrorMs: options?.staleiferror ?? 24 * 3_600_000,
    fillAfterAbort: options?.fillafterabort ?? true,
    timeouts: {
      connectMs: options?.timeouts.connect ?? 3000,
      headersMs: options?.timeouts.headers ?? 25_000,
      idleMs: options?.timeouts.idle ?? 30_000,
    },
    ranges: {
      connections: ranges?.connections ?? 4,
      minSizeBytes: ranges?.minsize ?? 16 * 1024 * 1024,
      windowBytes: ranges?.window ?? 8 * 1024 * 1024,
    },
    prefetch: buildPrefetch(options?.prefetch ?? true),
  };
}

function buildPrefetch(prefetch: boolean | { readonly maxbytes: number }): CacheConfig['prefetch'] {
  if (prefetch === false) return undefined;
  return { maxBytes: prefetch === true ? DEFAULT_PREFETCH_BYTES : prefetch.maxbytes };
}

/** Distribution keeps everything where it may not delete. */
function proxyTtlMs(data: ConfigData): number | undefined {
  return data.storage.delete.enabled ? data.proxy?.ttl || undefined : undefined;
}
