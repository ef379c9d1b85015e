import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What a socket's address holds (`sun_path`, unix(7)), the NUL at its end left out: 107 on Linux, 103 on macOS. */
const MAX_PATH_BYTES = 103;

/** Where a control socket may lie. */
export interface ControlPlace {
  /** `shared`: in a folder of its own among the temporary files, which anybody may have made. */
  readonly kind: 'store' | 'shared';
  readonly path: string;
}

/**
 * Where the control socket of a store may lie, the first choice first: in the root, or, where that cannot be (its
 * path is too long for a socket, or it is read-only), in a folder of its own among the temporary files.
 */
export function controlPlaces(root: string): readonly [ControlPlace, ...ControlPlace[]] {
  const absolute = resolve(root);
  const own = join(absolute, 'regcache', 'control.sock');
  const name = createHash('sha256').update(absolute).digest('hex').slice(0, 16);
  const shared: ControlPlace = {
    kind: 'shared',
    path: join(tmpdir(), `regcache-${name}`, 'control.sock'),
  };
  return Buffer.byteLength(own) > MAX_PATH_BYTES ? [shared] : [{ kind: 'store', path: own }, shared];
}
