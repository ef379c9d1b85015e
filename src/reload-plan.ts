import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config/config.ts';

/** What a new configuration changes: what can be done while running, and what waits for a restart. */
export interface ReloadPlan {
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
}

/** By the key that an operator knows: where the value is found, and whether it can change while running. */
const PARTS: readonly {
  readonly key: string;
  readonly of: (config: Config) => unknown;
  readonly live: boolean;
}[] = [
  { key: 'log.level', of: ({ log }) => log.level, live: true },
  { key: 'log.formatter', of: ({ log }) => [log.formatter, log.fields, log.accessLog], live: false },
  { key: 'storage', of: ({ storage }) => storage, live: false },
  { key: 'http.addr', of: ({ http }) => [http.listen, http.debug, http.prefix, http.headers], live: false },
  { key: 'health', of: ({ healthChecks }) => healthChecks, live: true },
  { key: 'http.limits', of: ({ http }) => http.limits, live: false },
  { key: 'http.tls', of: ({ http }) => http.tls && { ...http.tls, clientAuth: undefined }, live: true },
  { key: 'http.tls.clientauth', of: ({ http }) => http.tls?.clientAuth ?? 'none', live: false },
  { key: 'http.draintimeout', of: ({ http }) => http.drainTimeoutMs, live: true },
  { key: 'blobttl', of: ({ cache }) => [cache.blobTtlMs, cache.blobTtlMode], live: true },
  { key: 'tagttl', of: ({ cache }) => cache.tagTtlMs, live: true },
  { key: 'staleiferror', of: ({ cache }) => cache.staleIfErrorMs, live: true },
  { key: 'timeouts', of: ({ cache }) => cache.timeouts, live: true },
  { key: 'name', of: ({ cache }) => cache.hopName, live: false },
  { key: 'fillafterabort', of: ({ cache }) => cache.fillAfterAbort, live: false },
  { key: 'ranges', of: ({ cache }) => cache.ranges, live: false },
  { key: 'prefetch', of: ({ cache }) => cache.prefetch, live: false },
  { key: 'upstreams', of: ({ upstreams }) => upstreams, live: true },
];

/** Compares two configurations. Which namespaces there are is part of every URL served, so that waits for a restart. */
export function planReload(old: Config, next: Config): ReloadPlan {
  const differing = PARTS.filter(({ of }) => !isDeepStrictEqual(of(old), of(next)));
  const waits = (key: string, live: boolean): boolean => {
    if (key === 'upstreams') return !isDeepStrictEqual(namespaces(old), namespaces(next));
    if (key === 'http.tls') return (old.http.tls === undefined) !== (next.http.tls === undefined);
    return !live;
  };
  return {
    changed: differing.filter(({ key, live }) => !waits(key, live)).map(({ key }) => key),
    needsRestart: differing.filter(({ key, live }) => waits(key, live)).map(({ key }) => key),
  };
}

function namespaces(config: Config): readonly string[] {
  return config.upstreams.map(({ namespace }) => namespace);
}
