import { isAbsolute, resolve } from 'node:path';
import { UserError } from '../user-error.ts';

/** Where a running daemon can be asked: its control socket, or its debug address. */
export type ControlTarget =
  | { readonly kind: 'socket'; readonly path: string }
  /** Scheme, host and port; no trailing slash. */
  | { readonly kind: 'http'; readonly url: string };

/** A target as a person named it. */
export interface NamedTarget {
  /** Undefined: what the daemon calls itself. */
  readonly name: string | undefined;
  readonly target: ControlTarget;
}

const NAMED = /^(?<name>[A-Za-z0-9][A-Za-z0-9._-]*)=(?<rest>.*)$/s;
const HINT =
  'write the socket, as in china=/var/lib/registry/regcache/control.sock, or the debug address, as in asia=http://asia.example.com:5001';

/**
 * Reads `[name=]target`: a path or `unix://` URL of a control socket, or the http or https URL of a debug address.
 * @throws {UserError} USAGE where it is neither
 */
export function parseControlTarget(text: string): NamedTarget {
  const { name, rest = text } = NAMED.exec(text)?.groups ?? {};
  return { name, target: parseTarget(rest, text) };
}

/** A target as messages show it. */
export function controlTargetText(target: ControlTarget): string {
  return target.kind === 'socket' ? target.path : target.url;
}

function parseTarget(text: string, whole: string): ControlTarget {
  if (/^https?:/i.test(text)) return { kind: 'http', url: origin(text, whole) };
  const path = text.replace(/^unix:(?:\/\/)?/, '');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) throw wrong(whole, 'is neither a socket nor an http URL');
  if (path === '' || path.includes('\0')) throw wrong(whole, 'names no socket');
  // A host and port alone would be taken for the name of a file that is never there.
  if (/^[^/]+:\d+$/.test(path)) throw wrong(whole, 'has no scheme', `write http://${path}`);
  return { kind: 'socket', path: isAbsolute(path) ? path : resolve(path) };
}

function origin(text: string, whole: string): string {
  const url = URL.parse(text);
  if (url === null || url.hostname === '') throw wrong(whole, 'is no URL');
  if (url.username !== '' || url.password !== '') throw wrong(whole, 'has a user, which is not asked for');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw wrong(whole, 'has a path', `the debug address alone is enough: ${url.origin}`);
  }
  return url.origin;
}

function wrong(text: string, problem: string, hint = HINT): UserError {
  return new UserError('USAGE', `--connect ${JSON.stringify(text)} ${problem}`, { value: text, hint });
}
