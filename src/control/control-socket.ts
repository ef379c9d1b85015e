import { join } from 'node:path';

/** Where a daemon with this storage root opens its control socket. */
export function controlSocketPath(storageRoot: string): string {
  return join(storageRoot, 'regcache', 'control.sock');
}
