import { UserError } from '../user-error.ts';

/** Where clients reach the cache. */
export interface CacheUrl {
  readonly scheme: 'http' | 'https';
  /** Host and port as clients write them in image names: a port stands wherever a client could misread its absence. */
  readonly authority: string;
  /** What stands before `/v2/`: empty, or `/some/path`. */
  readonly path: string;
}

/**
 * Reads the URL that clients are to use.
 * @param source where it was written: `--url`, `http.host`
 * @param prefix the configured `http.prefix`, for a URL without a path
 * @throws {UserError} USAGE; no message shows a user or a password
 */
export function parseCacheUrl(text: string, source: string, prefix: string): CacheUrl {
  const wrong = (problem: string): UserError => urlError(`${source} ${shown(text)} ${problem}`, text);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    (url.protocol !== 'https:' && url.protocol !== 'http:') ||
    !/^https?:\/\//i.test(text)
  ) {
    throw wrong('is no http or https URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong('carries a user: clients take none from a mirror’s URL');
  }
  if (/[?#]/.test(text)) throw wrong('has a query or a fragment');
  const path = trimmed(url.pathname === '/' ? prefix : url.pathname);
  if (/(?:^|\/)v2$/.test(path)) throw wrong('ends in /v2, which clients add themselves');
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(path)) throw wrong('has a path that clients would misread');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return { scheme, authority: authorityOf(url, scheme), path };
}

/** The cache's URL with its path and no trailing slash. */
export function cacheHref({ scheme, authority, path }: CacheUrl): string {
  return `${scheme}://${authority}${path}`;
}

/**
 * In an image's name, a first part without a dot and a colon is no host; and on a bare name, clients that may use
 * plain http try https on another port first.
 */
function authorityOf(url: URL, scheme: CacheUrl['scheme']): string {
  if (url.port !== '') return url.host;
  if (scheme === 'http') return `${url.host}:80`;
  return url.host.includes('.') || url.host.includes(':') ? url.host : `${url.host}:443`;
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}

/** On one line, and without what stands before an @. */
function shown(text: string): string {
  const at = text.lastIndexOf('@');
  const start = text.includes('//') ? text.indexOf('//') + 2 : 0;
  return JSON.stringify(at < start ? text : `${text.slice(0, start)}***${text.slice(at)}`);
}

function urlError(message: string, text: string): UserError {
  return new UserError('USAGE', message, {
    value: shown(text),
    hint: 'write scheme, host and port as clients reach the cache: --url https://cache.example.com:5000',
  });
}
