import type { Namespace } from '../oci/namespace.ts';

/** What a daemon is to do, read and checked: nothing in it needs parsing or a default any more. */
export interface Config {
  readonly log: LogConfig;
  readonly storage: StorageConfig;
  readonly http: HttpConfig;
  readonly cache: CacheConfig;
  readonly healthChecks: readonly HealthCheckConfig[];
  /** Never empty; the first one answers for names without a namespace. */
  readonly upstreams: readonly [UpstreamConfig, ...UpstreamConfig[]];
}

export interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly formatter: 'text' | 'json';
  /** Put into every log line. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly accessLog: boolean;
}

export interface StorageConfig {
  readonly root: string;
  readonly deleteEnabled: boolean;
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string | undefined; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface HttpConfig {
  readonly listen: ListenAddress;
  /** What stands before `v2/` in a URL: `/` or `/some/path/`. */
  readonly prefix: string;
  /** Further response headers, by name. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** 0: the daemon's own short grace. */
  readonly drainTimeoutMs: number;
  readonly tls: TlsServerConfig | undefined;
  readonly limits: HttpLimits;
  readonly debug: DebugConfig | undefined;
}

/** The second server, for operators. */
export interface DebugConfig {
  readonly listen: ListenAddress;
  /** Where metrics are served; undefined: nowhere. */
  readonly metricsPath: string | undefined;
}

/** What is looked at again and again, beside this cache's own state, to know whether it should serve. */
export type HealthCheckConfig = {
  /** The check fails from so many failures in a row on; 0 is as 1. */
  readonly threshold: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
} & (
  | { readonly kind: 'file'; readonly path: string }
  | {
      readonly kind: 'http';
      readonly uri: string;
      readonly headers: Readonly<Record<string, readonly string[]>>;
      readonly status: number;
    }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
);

export interface HttpLimits {
  readonly headerSizeBytes: number;
  readonly headerTimeMs: number;
  readonly connections: number;
  /** 0: no limit. */
  readonly connectionsPerClient: number;
}

/** How a server treats client certificates; the words for Distribution's `http.tls.clientauth`. */
export type ClientAuth = 'none' | 'request' | 'require-any' | 'verify-if-given' | 'require-and-verify';

export interface TlsServerConfig {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientCaFiles: readonly string[];
  readonly clientAuth: ClientAuth;
  readonly minimumTls: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names; empty: Node's own choice. */
  readonly cipherSuites: readonly string[];
}

export interface CacheConfig {
  /** This hop's name in `Via` and `Cache-Status`; undefined: the host name and port. */
  readonly hopName: string | undefined;
  /** How long an unused blob is kept; undefined: for ever. */
  readonly blobTtlMs: number | undefined;
  /** `idle` counts from the last pull, `absolute` from the fetch. */
  readonly blobTtlMode: 'idle' | 'absolute';
  /** How long a tag is believed without asking. */
  readonly tagTtlMs: number;
  /** How long a tag outlives an unreachable upstream. */
  readonly staleIfErrorMs: number;
  /** Whether a fill that nobody waits for any more is finished. */
  readonly fillAfterAbort: boolean;
  readonly timeouts: UpstreamTimeouts;
  readonly ranges: RangesConfig;
  /** How many bytes may be fetched ahead at a time; undefined: none. */
  readonly prefetch: { readonly maxBytes: number } | undefined;
}

/** Parallel ranged fetch of one blob. */
export interface RangesConfig {
  /** 1: no ranges. */
  readonly connections: number;
  readonly minSizeBytes: number;
  readonly windowBytes: number;
}

export interface UpstreamTimeouts {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
}

/** One origin, and the way to it. */
export interface UpstreamConfig {
  /** Names the stored content and the path prefix. */
  readonly namespace: Namespace;
  /** Whether requests carry the namespace as `ns`: to hops that were configured with an origin, never to an origin. */
  readonly sendNamespace: boolean;
  readonly hops: readonly [HopConfig, ...HopConfig[]];
  /** How one of several hops is chosen: a repository has its own, or one after the other, pull by pull. */
  readonly balance: 'repository' | 'roundrobin';
  /** The origin, where it is asked when all hops fail. */
  readonly fallback: HopConfig | undefined;
  readonly limits: UpstreamLimits;
}

export interface UpstreamLimits {
  readonly connections: number;
  readonly rateBytesPerSecond: number | undefined;
}

/** One server to pull from. */
export interface HopConfig {
  /** Scheme, host and port; no path, no trailing slash, no user. */
  readonly url: string;
  readonly role: 'hop' | 'origin';
  readonly credentials: Credentials | undefined;
  readonly clientCertificate: ClientCertificate | undefined;
  /** PEM files trusted beside the system's. */
  readonly caFiles: readonly string[];
  /** Origins of further token realms that may be given the credentials. */
  readonly realms: readonly string[];
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface ClientCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}
