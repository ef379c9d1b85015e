import type { Clock } from '../async/clock.ts';
import {
  CONTROL_VERSION,
  type DaemonFacts,
  type FillFacts,
  type HealthFacts,
  type Snapshot,
  type StoreFacts,
  type UpstreamFacts,
} from './snapshot.ts';
import type { Statistics } from './statistics.ts';

/** What is asked at the moment of a snapshot, because it is a state and no sum of events. */
export interface SnapshotSources {
  readonly daemon: DaemonFacts;
  readonly health: () => HealthFacts;
  readonly openRequests: () => number;
  readonly fills: () => readonly FillFacts[];
  readonly upstreams: () => readonly Omit<UpstreamFacts, 'requests' | 'failures' | 'behind'>[];
  readonly store: () => Promise<StoreFacts>;
}

/** How the daemon is doing now. */
export async function takeSnapshot(
  statistics: Statistics,
  sources: SnapshotSources,
  clock: Clock,
): Promise<Snapshot> {
  const store = await sources.store();
  return {
    version: CONTROL_VERSION,
    atMs: clock.now(),
    daemon: sources.daemon,
    health: sources.health(),
    traffic: { ...statistics.traffic, openRequests: sources.openRequests() },
    fills: sources.fills(),
    upstreams: sources
      .upstreams()
      .map((upstream) => ({ ...upstream, ...statistics.hops.read(upstream.namespace, upstream.name) })),
    store,
    repositories: statistics.repositories,
    pulls: statistics.pulls,
  };
}
