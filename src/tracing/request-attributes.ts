import type { Attributes } from '@opentelemetry/api';
import type { RequestEvent, Resource } from '../telemetry/event.ts';

/** Where a request was sent to. */
export interface Arrival {
  readonly scheme: 'http' | 'https';
  /** Its `Host` field. */
  readonly host: string | undefined;
}

/** OpenTelemetry's conventions know these; any other method is `_OTHER`. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

const ROUTES: Readonly<Record<Resource, string>> = {
  ping: '/v2/',
  manifest: '/v2/{name}/manifests/{reference}',
  blob: '/v2/{name}/blobs/{digest}',
  tags: '/v2/{name}/tags/list',
  referrers: '/v2/{name}/referrers/{digest}',
  catalog: '/v2/_catalog',
};

/** The name of a request's span: one of few. */
export function requestName({ method, resource }: RequestEvent): string {
  return [METHODS.has(method) ? method : 'HTTP', resource].filter((word) => word !== undefined).join(' ');
}

/**
 * What a request's span tells (OpenTelemetry's semantic conventions for HTTP servers). Queries are left out: they may
 * carry tokens.
 */
export function requestAttributes(event: RequestEvent, { scheme, host }: Arrival): Attributes {
  const { method, resource, status } = event;
  return {
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    'http.request.method_original': METHODS.has(method) ? undefined : method,
    'http.response.status_code': status,
    'http.response.body.size': event.bytesSent,
    'http.route': resource === undefined ? undefined : ROUTES[resource],
    'url.scheme': scheme,
    'url.path': pathOf(event.target),
    ...serverOf(scheme, host),
    'client.address': event.client,
    'user_agent.original': event.userAgent,
    'error.type': status >= 500 ? String(status) : undefined,
    'regcache.outcome': event.outcome,
    'regcache.miss_reason': event.missReason,
    'regcache.namespace': event.namespace,
    'regcache.repository': event.repository,
    'regcache.reference': event.reference,
    'regcache.complete': event.complete ? undefined : false,
  };
}

function pathOf(target: string): string {
  return target.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
}

function serverOf(scheme: string, host: string | undefined): Attributes {
  const url = host === undefined || /[@/?#\\]/.test(host) ? null : URL.parse(`${scheme}://${host}`);
  if (url === null) return {};
  const port = url.port === '' ? { http: 80, https: 443 }[scheme] : Number(url.port);
  return { 'server.address': url.hostname.replaceAll(/[[\]]/g, ''), 'server.port': port };
}
