import {
  fields,
  listOf,
  moment,
  number,
  oneOf,
  optional,
  recordOf,
  type Shape,
  text,
  truth,
} from './shape.ts';
import type {
  DaemonFacts,
  DayTally,
  FillFacts,
  HealthFacts,
  PullFacts,
  RepositoryFacts,
  Snapshot,
  StoreFacts,
  Tally,
  TrafficFacts,
  UpstreamFacts,
} from './snapshot.ts';

/** A shape for each field, so that none is forgotten. */
type FieldsOf<T> = Readonly<Record<keyof T, Shape>>;

const OUTCOMES = ['hit', 'prefetched', 'joined', 'miss', 'revalidated', 'stale', 'bypass'] as const;

const TALLY: FieldsOf<Tally> = {
  reads: number,
  outcomes: fields(Object.fromEntries(OUTCOMES.map((outcome) => [outcome, number]))),
  toClientsBytes: number,
  fromUpstreamBytes: number,
};

const DAEMON: FieldsOf<DaemonFacts> = {
  name: text,
  version: text,
  pid: number,
  url: text,
  startedAtMs: moment,
};

const HEALTH: FieldsOf<HealthFacts> = {
  ready: truth,
  status: oneOf('starting', 'ready', 'unhealthy', 'draining'),
  problems: recordOf(text),
};

const TRAFFIC: FieldsOf<TrafficFacts> = {
  now: fields(TALLY),
  fiveMinutes: fields(TALLY),
  hour: fields(TALLY),
  total: fields(TALLY),
  requestsPerSecond: number,
  openRequests: number,
  toClientsBytesPerSecond: number,
  fromUpstreamBytesPerSecond: number,
  history: listOf(fields(TALLY)),
};

const FILL: FieldsOf<FillFacts> = {
  digest: text,
  repository: text,
  upstream: text,
  startedAtMs: moment,
  doneBytes: number,
  sizeBytes: optional(number),
  bytesPerSecond: number,
  followers: number,
  ahead: truth,
};

const UPSTREAM: FieldsOf<UpstreamFacts> = {
  namespace: text,
  name: text,
  role: oneOf('hop', 'origin'),
  state: oneOf('up', 'down', 'paused'),
  reason: optional(text),
  waitMs: optional(fields({ p50: number, p95: number })),
  requests: number,
  failures: number,
  behind: optional(listOf(text)),
};

const STORE: FieldsOf<StoreFacts> = {
  root: text,
  blobs: number,
  bytes: number,
  quotaBytes: optional(number),
  diskBytes: number,
  diskFreeBytes: number,
  ttlMs: optional(number),
  expiring: listOf(fields({ digest: text, sizeBytes: number, atMs: moment, repository: optional(text) })),
  failure: optional(text),
};

const REPOSITORY: FieldsOf<RepositoryFacts> = {
  repository: text,
  reads: number,
  hits: number,
  toClientsBytes: number,
  lastReadAtMs: moment,
};

const PULL: FieldsOf<PullFacts> = {
  atMs: moment,
  resource: text,
  repository: text,
  reference: text,
  status: number,
  outcome: oneOf(...OUTCOMES),
  missReason: optional(text),
  bytesSent: number,
  durationMs: number,
  client: text,
};

const SNAPSHOT: FieldsOf<Snapshot> = {
  version: number,
  atMs: moment,
  daemon: fields(DAEMON),
  health: fields(HEALTH),
  traffic: fields(TRAFFIC),
  fills: listOf(fields(FILL)),
  upstreams: listOf(fields(UPSTREAM)),
  store: fields(STORE),
  repositories: listOf(fields(REPOSITORY)),
  pulls: listOf(fields(PULL)),
};

const DAY: FieldsOf<DayTally> = { ...TALLY, day: text, namespace: text };

/** Of what `GET /control/v1/snapshot` answers. */
export const snapshotShape: Shape = fields(SNAPSHOT);

/** Of what `GET /control/v1/daily` answers. */
export const daysShape: Shape = listOf(fields(DAY));
