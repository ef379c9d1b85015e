import type { MissReason, Outcome, Resource } from '../telemetry/event.ts';

/** Goes up when a field changes its meaning or goes; new fields may come at any time. */
export const CONTROL_VERSION = 1;

/** How a daemon is doing: what `GET /control/v1/snapshot` answers. Times are milliseconds since the epoch. */
export interface Snapshot {
  readonly version: typeof CONTROL_VERSION;
  readonly atMs: number;
  readonly daemon: DaemonFacts;
  readonly health: HealthFacts;
  readonly traffic: TrafficFacts;
  /** The fills that run, the oldest first. */
  readonly fills: readonly FillFacts[];
  /** In the order of the configuration: hops first, then the origin as the last resort. */
  readonly upstreams: readonly UpstreamFacts[];
  readonly store: StoreFacts;
  /** The busiest first, at most 100. */
  readonly repositories: readonly RepositoryFacts[];
  /** The newest first, at most 100. */
  readonly pulls: readonly PullFacts[];
}

export interface DaemonFacts {
  /** As in `Via` and `Cache-Status`. */
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly url: string;
  readonly startedAtMs: number;
}

export interface HealthFacts {
  /** Whether new clients should be sent here. */
  readonly ready: boolean;
  /** Only `ready` is; `unhealthy`: a check that was configured fails. */
  readonly status: 'starting' | 'ready' | 'unhealthy' | 'draining';
  /** What is wrong, by part: `store`, `upstream <host:port>`; empty where nothing is. */
  readonly problems: Readonly<Record<string, string>>;
}

/**
 * Reads of manifests and blobs, and the bytes they cost. The hit rate by requests is `outcomes.hit / reads`, by bytes
 * `1 - fromUpstreamBytes / toClientsBytes`.
 */
export interface Tally {
  readonly reads: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly toClientsBytes: number;
  readonly fromUpstreamBytes: number;
}

export interface TrafficFacts {
  /** The last 10 s. */
  readonly now: Tally;
  readonly fiveMinutes: Tally;
  readonly hour: Tally;
  /** Since the daemon's start. */
  readonly total: Tally;
  /** All requests of the last 10 s, lists and refusals too. */
  readonly requestsPerSecond: number;
  /** Answers that are running. */
  readonly openRequests: number;
  readonly toClientsBytesPerSecond: number;
  readonly fromUpstreamBytesPerSecond: number;
  /** One for each 10 s of the last hour, the oldest first; none for the time before the start. */
  readonly history: readonly Tally[];
}

export interface FillFacts {
  readonly digest: string;
  /** Namespace and name. */
  readonly repository: string;
  /** Host and port of who sends it. */
  readonly upstream: string;
  readonly startedAtMs: number;
  readonly doneBytes: number;
  /** Undefined while the upstream has not told. */
  readonly sizeBytes: number | undefined;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
  /** Clients that read it. */
  readonly followers: number;
  /** Whether it was started ahead of any client. */
  readonly ahead: boolean;
}

export interface UpstreamFacts {
  readonly namespace: string;
  /** Host and port. */
  readonly name: string;
  readonly role: 'hop' | 'origin';
  /** `paused`: it asked to be left alone for a while. */
  readonly state: 'up' | 'down' | 'paused';
  /** Why it is down. */
  readonly reason: string | undefined;
  /** Of its last 128 answers, in milliseconds; undefined before the first. */
  readonly waitMs: { readonly p50: number; readonly p95: number } | undefined;
  /** Of the last five minutes. */
  readonly requests: number;
  readonly failures: number;
  /** Names of the hops between it and the origin, the nearest first; undefined while no answer has named them. */
  readonly behind: readonly string[] | undefined;
}

export interface StoreFacts {
  readonly root: string;
  readonly blobs: number;
  readonly bytes: number;
  /** Undefined: none is set. */
  readonly quotaBytes: number | undefined;
  /** Of the file system. */
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  /** Undefined: kept for ever. */
  readonly ttlMs: number | undefined;
  /** What goes next unless it is used, the first first; at most 10. */
  readonly expiring: readonly {
    readonly digest: string;
    readonly sizeBytes: number;
    readonly atMs: number;
    readonly repository: string | undefined;
  }[];
  /** What the last failed write said, until one works again. */
  readonly failure: string | undefined;
}

export interface RepositoryFacts {
  /** Namespace and name. */
  readonly repository: string;
  readonly reads: number;
  readonly hits: number;
  readonly toClientsBytes: number;
  readonly lastReadAtMs: number;
}

/** One read that has ended. */
export interface PullFacts {
  readonly atMs: number;
  readonly resource: Resource;
  readonly repository: string;
  readonly reference: string;
  readonly status: number;
  readonly outcome: Outcome;
  readonly missReason: MissReason | undefined;
  readonly bytesSent: number;
  readonly durationMs: number;
  readonly client: string;
}

/** Reads of one day: what `GET /control/v1/daily` answers a list of. */
export interface DayTally extends Tally {
  /** `2026-11-25`, by UTC. */
  readonly day: string;
  readonly namespace: string;
}
