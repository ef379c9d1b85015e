import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../../fixtures/client.ts';
import { createDebugListener } from './debug-server.ts';
import { type HealthSource, healthRoutes } from './health-routes.ts';
import { metricsRoute } from './metrics-route.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A debug server with these routes; answers are told as `200 application/json: body`. */
async function serve(
  routes: ReadonlyMap<string, RequestListener>,
): Promise<(path: string, method?: string) => Promise<string>> {
  const server = createServer(createDebugListener(routes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return async (path, method = 'GET') => {
    const { status, headers, bytes } = await ask(`http://127.0.0.1:${port}${path}`, { method });
    return `${status} ${headers['content-type']}: ${(await bytes()).toString().trim()}`;
  };
}

const WELL: HealthSource = {
  report: () => ({}),
  readiness: () => ({ status: 'ready', problems: { 'upstream a:5000': 'connection refused' } }),
};
const ILL: HealthSource = {
  report: () => ({ storagedriver: 'no space left' }),
  readiness: () => ({ status: 'draining', problems: {} }),
};

describe('health', () => {
  it.each<[string, string, HealthSource, number, unknown]>([
    ['is {} for Distribution’s readers', '/debug/health', WELL, 200, {}],
    ['is 503 with the reasons', '/debug/health?verbose', ILL, 503, ILL.report()],
    ['is ready with what is wrong', '/debug/ready', WELL, 200, WELL.readiness()],
    ['is ready by the other name', '/readyz', WELL, 200, WELL.readiness()],
    ['is 503 where new clients should not come', '/debug/ready', ILL, 503, ILL.readiness()],
    ['is 503 by the other name', '/readyz', ILL, 503, ILL.readiness()],
    ['is live whatever is wrong', '/debug/live', ILL, 200, { status: 'live' }],
    ['is live by the other name', '/livez', ILL, 200, { status: 'live' }],
  ])('%s', async (_name, path, health, status, told) => {
    const asked = await serve(healthRoutes(health));
    expect(await asked(path)).toBe(`${status} application/json: ${JSON.stringify(told)}`);
    expect(await asked(path, 'HEAD')).toBe(`${status} application/json: `);
  });
});

describe('metrics', () => {
  it('are what is scraped, in its own type', async () => {
    const source = { contentType: 'text/plain; version=0.0.4', text: () => Promise.resolve('a 1\n') };
    const asked = await serve(new Map([['/metrics', metricsRoute(source)]]));
    expect(await asked('/metrics')).toBe('200 text/plain; version=0.0.4: a 1');
  });

  it('that cannot be told are an error that says why', async () => {
    const source = { contentType: 'x', text: () => Promise.reject(new Error('it broke')) };
    const asked = await serve(new Map([['/metrics', metricsRoute(source)]]));
    expect(await asked('/metrics')).toBe('500 text/plain: no metrics: Error: it broke');
  });
});

describe('anything else', () => {
  it.each([
    ['/debug/pprof', 'GET'],
    ['/livez/', 'GET'],
    ['/livez', 'POST'],
    ['/livez', 'DELETE'],
  ])('%s by %s is not found', async (path, method) => {
    const asked = await serve(healthRoutes(WELL));
    expect(await asked(path, method)).toBe('404 text/plain: not found');
  });
});
