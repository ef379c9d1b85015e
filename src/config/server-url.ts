import { type Parsed, parsed, quoteValue, unparsable } from './parsed.ts';

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** Reads the URL of a registry: scheme, host and port and nothing else. Returns it without a trailing slash. */
export function parseServerUrl(text: string): Parsed<string> {
  const scheme = SCHEME.exec(text);
  if (scheme === null) {
    return unparsable(`${quoteValue(text)} names no scheme; write ${quoteValue(`https://${text}`)}`);
  }
  const url = parseHttpUrl(text);
  if (!url.ok) return url;
  const { pathname, origin } = url.value;
  if (pathname !== '/') {
    return unparsable(
      `${quoteValue(text)} has a path, which registries are not asked under; write ${quoteValue(origin)}`,
    );
  }
  return parsed(origin);
}

/** Reads the URL of a token realm, whose path is of no matter: credentials are allowed by scheme, host and port. */
export function parseRealmUrl(text: string): Parsed<string> {
  const url = parseHttpUrl(text);
  return url.ok ? parsed(url.value.origin) : url;
}

function parseHttpUrl(text: string): Parsed<URL> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    return unparsable(`${quoteValue(text)} is no URL; write one such as https://registry.example.com`);
  }
  if (url.username !== '' || url.password !== '') {
    return unparsable(
      `${quoteValue(text)} carries a user; write username and password (or passwordfile) beside it`,
    );
  }
  if (url.search !== '' || url.hash !== '' || /[?#]$/.test(text)) {
    return unparsable(`${quoteValue(text)} has a query or a fragment; write scheme, host and port only`);
  }
  return parsed(url);
}
