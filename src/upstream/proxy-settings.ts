import { UserError } from '../user-error.ts';
import { type NoProxy, parseNoProxy } from './no-proxy.ts';

/** An HTTP proxy between this machine and its upstreams. */
export interface Proxy {
  /** http or https; without credentials. */
  readonly url: URL;
  /** The value of `Proxy-Authorization`: for the proxy alone, and for no log. */
  readonly authorization: string | undefined;
  /** The environment variable that named it. */
  readonly variable: string;
}

/** Which proxy an upstream is reached by. */
export interface ProxySettings {
  /** For https upstreams: it is asked for tunnels. */
  readonly https: Proxy | undefined;
  /** For http upstreams: it is sent their requests. */
  readonly http: Proxy | undefined;
  readonly noProxy: NoProxy;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; in small letters they come first, as in curl, and an empty one
 * counts as none. A proxy without a scheme is http.
 * @returns undefined where there is no proxy
 * @throws {UserError} PROXY_INVALID, PROXY_UNSUPPORTED; never with a password
 */
export function parseProxySettings(env: Environment): ProxySettings | undefined {
  const https = readProxy(env, 'HTTPS_PROXY');
  const http = readProxy(env, 'HTTP_PROXY');
  if (https === undefined && http === undefined) return undefined;
  const [, list] = readFirst(env, 'NO_PROXY') ?? [];
  return { https, http, noProxy: parseNoProxy(list ?? '') };
}

/** The proxy on the way to a URL, undefined for none. */
export function proxyFor(settings: ProxySettings | undefined, url: URL): Proxy | undefined {
  const proxy = url.protocol === 'https:' ? settings?.https : settings?.http;
  if (proxy === undefined || settings === undefined) return undefined;
  const port = url.port === '' ? defaultPort(url) : Number(url.port);
  return settings.noProxy.matches(url.hostname.replaceAll(/[[\]]/g, ''), port) ? undefined : proxy;
}

/** The port that a URL without one means. */
export function defaultPort(url: URL): number {
  return url.protocol === 'https:' ? 443 : 80;
}

function readFirst(env: Environment, name: string): readonly [variable: string, value: string] | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const value = env[variable]?.trim();
    if (value !== undefined && value !== '') return [variable, value];
  }
  return undefined;
}

function readProxy(env: Environment, name: string): Proxy | undefined {
  const [variable, value] = readFirst(env, name) ?? [];
  if (variable === undefined || value === undefined) return undefined;
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`);
  const shown = value.slice(value.lastIndexOf('@') + 1);
  if (url === null || url.hostname === '') {
    const hint =
      'it looks like http://proxy.example:3128, with user:password@ before the host where it wants them';
    throw new UserError('PROXY_INVALID', `${variable} names no proxy`, { value: shown, hint });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const message = `${variable}: a proxy that is spoken to by ${url.protocol.slice(0, -1)} is not supported`;
    throw new UserError('PROXY_UNSUPPORTED', message, { value: shown, hint: 'use an http or https proxy' });
  }
  return { url: new URL(`${url.protocol}//${url.host}`), authorization: authorizationOf(url), variable };
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const pair = `${decoded(username)}:${decoded(password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** A `%` that encodes nothing stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
