import { Counter, type Registry } from 'prom-client';
import type { TelemetryEvent } from '../event.ts';

type SweptEvent = Extract<TelemetryEvent, { kind: 'swept' }>;

/** Error codes that a disk is known to fail with; others are told as `other`. */
const WRITE_CODES: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENOSPC',
  'EPERM',
  'EROFS',
]);

/** Counts what leaves the store, and what it would not take. */
export class StoreCounters {
  readonly #evictions;
  readonly #evictedBytes;
  readonly #writeFailures;
  readonly #sweepFailures;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#evictions = new Counter({
      name: 'regcache_evictions_total',
      help: 'Blobs and manifests that were removed; ttl: not used for so long.',
      labelNames: ['reason'],
      registers,
    });
    this.#evictedBytes = new Counter({
      name: 'regcache_evicted_bytes_total',
      help: 'Bytes that were removed.',
      labelNames: ['reason'],
      registers,
    });
    this.#writeFailures = new Counter({
      name: 'regcache_store_write_failures_total',
      help: 'Writes that the disk did not take, by its error code; their pulls were streamed through.',
      labelNames: ['code'],
      registers,
    });
    this.#sweepFailures = new Counter({
      name: 'regcache_sweep_failures_total',
      help: 'How often what has expired could not be removed.',
      registers,
    });
    this.#evictions.inc({ reason: 'ttl' }, 0);
    this.#evictedBytes.inc({ reason: 'ttl' }, 0);
    this.#writeFailures.inc({ code: 'ENOSPC' }, 0);
  }

  evicted({ reason, sizeBytes }: SweptEvent): void {
    this.#evictions.inc({ reason });
    this.#evictedBytes.inc({ reason }, sizeBytes);
  }

  writeFailed(code: string): void {
    this.#writeFailures.inc({ code: WRITE_CODES.has(code) ? code : 'other' });
  }

  sweepFailed(): void {
    this.#sweepFailures.inc();
  }
}
