import type { Clock } from './async/clock.ts';
import type { BlobCache } from './cache/blob-cache.ts';
import type { Config } from './config/config.ts';
import type { SnapshotSources } from './control/take-snapshot.ts';
import type { Health } from './health.ts';
import type { HttpServer } from './http/server.ts';
import type { Store } from './store/store.ts';
import { StoreWatch } from './store-watch.ts';
import type { MetricFacts } from './telemetry/metrics/metric-facts.ts';
import type { Upstreams } from './upstream/upstreams.ts';

export interface DaemonParts {
  readonly store: Store;
  readonly upstreams: Upstreams;
  readonly blobs: BlobCache;
  readonly server: HttpServer;
  readonly health: Health;
  readonly clock: Clock;
  /** As in `Via` and `Cache-Status`. */
  readonly name: string;
  readonly version: string;
}

/** Where a snapshot, and a scrape, looks up what a daemon is doing and holds at that moment. */
export function snapshotSources(
  current: { readonly config: Config },
  { store, upstreams, blobs, server, health, clock, name, version }: DaemonParts,
): SnapshotSources {
  const watch = new StoreWatch(store, clock, {
    root: current.config.storage.root,
    ttl: () => {
      const { blobTtlMs, blobTtlMode } = current.config.cache;
      return { ttlMs: blobTtlMs, by: blobTtlMode === 'idle' ? 'used' : 'fetched' };
    },
    failure: () => health.storeFailure,
  });
  return {
    daemon: { name, version, pid: process.pid, url: server.url, startedAtMs: clock.now() },
    health: () => {
      const { status, problems } = health.readiness();
      return { ready: status === 'ready', status, problems };
    },
    openRequests: () => server.openRequests,
    fills: () => blobs.fills,
    upstreams: () => upstreams.states,
    store: watch.facts,
  };
}

/** The part of it that metrics are made of. */
export async function metricFacts({ fills, upstreams, store }: SnapshotSources): Promise<MetricFacts> {
  return { fills: fills(), upstreams: upstreams(), store: await store() };
}
