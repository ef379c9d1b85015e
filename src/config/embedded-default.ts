import path from 'node:path';
import { UserError } from '../user-error.ts';
import type { Environment } from './environment.ts';

/**
 * The configuration without a file: Docker Hub, cached for this machine's own use.
 * @throws {UserError} CONFIG_INVALID where the environment names no home to keep things in
 */
export function embeddedDefault(env: Environment): string {
  const proxy = Object.keys(env).some((name) => name.startsWith('REGISTRY_MIDDLEWARE_')) ? '' : PROXY;
  return `version: 0.1
storage:
  delete:
    enabled: true
  filesystem:
    rootdirectory: ${JSON.stringify(path.join(cacheFolder(env), 'regcache'))}
http:
  addr: 127.0.0.1:5000
${proxy}`;
}

/** Left out where the environment brings its own upstreams. */
const PROXY = `proxy:
  remoteurl: https://registry-1.docker.io
  ttl: 168h
`;

/** The user's cache folder: XDG Base Directory Specification, and its like on Windows. */
function cacheFolder(env: Environment): string {
  const { XDG_CACHE_HOME: xdg, HOME: home, LOCALAPPDATA: local } = env;
  if (xdg !== undefined && path.isAbsolute(xdg)) return xdg;
  if (home) return path.join(home, '.cache');
  if (local) return local;
  throw new UserError('CONFIG_INVALID', 'there is no configuration file, and no home to keep a cache in', {
    hint: 'name a file with --config, or set HOME or XDG_CACHE_HOME',
    exitCode: 2,
  });
}
