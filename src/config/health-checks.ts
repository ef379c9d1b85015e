import type { HealthCheckConfig } from './config.ts';
import type { ConfigData } from './schema.ts';

/** As in Distribution: 0 stands for this. */
const DEFAULT_INTERVAL_MS = 10_000;

/** All checks of `health` in one list; that of the store needs no asking and is not among them. */
export function buildHealthChecks(health: ConfigData['health']): readonly HealthCheckConfig[] {
  if (health === undefined) return [];
  return [
    ...health.file.map(({ file, interval }) => ({
      kind: 'file' as const,
      path: file,
      threshold: 0,
      ...times({ interval, timeout: 0 }),
    })),
    ...health.http.map(({ uri, headers, statuscode, threshold, ...waits }) => ({
      kind: 'http' as const,
      uri,
      headers,
      status: statuscode,
      threshold,
      ...times(waits),
    })),
    ...health.tcp.map(({ addr, threshold, ...waits }) => ({
      kind: 'tcp' as const,
      ...hostAndPort(addr),
      threshold,
      ...times(waits),
    })),
  ];
}

function times(waits: {
  readonly interval: number;
  readonly timeout: number;
}): Pick<HealthCheckConfig, 'intervalMs' | 'timeoutMs'> {
  const intervalMs = waits.interval || DEFAULT_INTERVAL_MS;
  return { intervalMs, timeoutMs: waits.timeout || intervalMs };
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replaceAll(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}
