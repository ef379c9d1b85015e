import type { RequestListener, ServerResponse } from 'node:http';

/** What is wrong with a part of the daemon; an empty record is health. */
export type HealthReport = Readonly<Record<string, string>>;

/** Whether new clients should come. */
export interface Readiness {
  /** Only with `ready` they should; `unhealthy`: a check that was configured fails. */
  readonly status: 'starting' | 'ready' | 'unhealthy' | 'draining';
  /** Why, by part, and what else is wrong. */
  readonly problems: HealthReport;
}

export interface HealthSource {
  report(): HealthReport;
  readiness(): Readiness;
}

/**
 * Health as orchestrators ask for it, by path: `/debug/health` as Distribution's debug server answers it, 200 and `{}` or
 * 503 and what is wrong; whether the process lives, and whether it is ready, under the usual names.
 */
export function healthRoutes(health: HealthSource): ReadonlyMap<string, RequestListener> {
  const report: RequestListener = (_request, response) => {
    const told = health.report();
    send(response, Object.keys(told).length === 0, told);
  };
  const live: RequestListener = (_request, response) => send(response, true, { status: 'live' });
  const ready: RequestListener = (_request, response) => {
    const readiness = health.readiness();
    send(response, readiness.status === 'ready', readiness);
  };
  return new Map([
    ['/debug/health', report],
    ['/debug/live', live],
    ['/livez', live],
    ['/debug/ready', ready],
    ['/readyz', ready],
  ]);
}

function send(response: ServerResponse, good: boolean, told: unknown): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(good ? 200 : 503, headers).end(`${JSON.stringify(told)}\n`);
}
