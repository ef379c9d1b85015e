import type { RequestListener } from 'node:http';

/** Answers what is asked for by an exact path; routes may be added while it runs. */
export function createDebugListener(routes: ReadonlyMap<string, RequestListener>): RequestListener {
  return (request, response) => {
    const route = routes.get(request.url?.split('?', 1)[0] ?? '');
    if (route !== undefined && (request.method === 'GET' || request.method === 'HEAD')) {
      route(request, response);
      return;
    }
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
  };
}
