/**
 * What a daemon is, rather than what happened to it: looked up for each scrape. A control snapshot has all of this and
 * more.
 */
export interface MetricFacts {
  readonly fills: readonly FillFact[];
  readonly upstreams: readonly UpstreamFact[];
  readonly store: StoreFact;
}

export interface FillFact {
  /** Namespace and name. */
  readonly repository: string;
  readonly followers: number;
  /** Whether it was started ahead of any client. */
  readonly ahead: boolean;
}

export interface UpstreamFact {
  readonly namespace: string;
  /** Host and port. */
  readonly name: string;
  readonly role: 'hop' | 'origin';
  readonly state: 'up' | 'down' | 'paused';
}

export interface StoreFact {
  readonly blobs: number;
  readonly bytes: number;
  /** Undefined: none is set. */
  readonly quotaBytes: number | undefined;
  /** Of the file system. */
  readonly diskBytes: number;
  readonly diskFreeBytes: number;
  /** Undefined: kept for ever. */
  readonly ttlMs: number | undefined;
  /** What the last failed write said, until one works again. */
  readonly failure: string | undefined;
}

/** When a certificate that the daemon uses ends. */
export interface CertificateExpiry {
  readonly role: 'server' | 'client' | 'ca' | 'client-ca';
  /** Its base name. */
  readonly file: string;
  /** The first of the file's certificates to end; milliseconds since the epoch. */
  readonly expiresAtMs: number;
}
