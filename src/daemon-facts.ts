import { statfs } from 'node:fs/promises';
import type { BlobCache } from './cache/blob-cache.ts';
import type { Config } from './config/config.ts';
import type { Health } from './health.ts';
import type { Store } from './store/store.ts';
import type { MetricFacts } from './telemetry/metrics/metric-facts.ts';
import type { Upstreams } from './upstream/upstreams.ts';

export interface DaemonParts {
  readonly store: Store;
  readonly upstreams: Upstreams;
  readonly blobs: BlobCache;
  readonly health: Health;
}

/** Looks up what a daemon is doing and holds at this moment. */
export async function lookUpFacts(
  { storage, cache }: Config,
  { store, upstreams, blobs, health }: DaemonParts,
): Promise<MetricFacts> {
  const [{ blobs: count, bytes }, disk] = await Promise.all([
    store.figures.summary('used', 0),
    statfs(storage.root),
  ]);
  return {
    fills: blobs.fills,
    upstreams: upstreams.states,
    store: {
      blobs: count,
      bytes,
      quotaBytes: undefined,
      diskBytes: disk.blocks * disk.bsize,
      diskFreeBytes: disk.bavail * disk.bsize,
      ttlMs: cache.blobTtlMs,
      failure: health.storeFailure,
    },
  };
}
