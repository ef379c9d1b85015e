import type { RequestListener } from 'node:http';

/** What is wrong with a part of the daemon; an empty record is health. */
export type HealthReport = Readonly<Record<string, string>>;

/** Answers `/debug/health` as Distribution's debug server does: 200 and `{}`, or 503 and what is wrong. */
export function createDebugListener(health: () => HealthReport): RequestListener {
  return (request, response) => {
    if (request.url?.split('?')[0] !== '/debug/health') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
      return;
    }
    const report = health();
    const status = Object.keys(report).length === 0 ? 200 : 503;
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(report)}\n`);
  };
}
