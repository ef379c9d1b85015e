import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** What a socket's address holds (`sun_path`, unix(7)), the NUL at its end left out: 107 on Linux, 103 on macOS. */
const MAX_PATH_BYTES = 103;

/**
 * Where the control socket of a store may lie, the first choice first: in the root, or, where that cannot be (its
 * path is too long for a socket, or it is read-only), in a folder of its own among the temporary files.
 */
export function controlPaths(root: string): readonly string[] {
  const absolute = resolve(root);
  const own = join(absolute, 'regcache', 'control.sock');
  const name = createHash('sha256').update(absolute).digest('hex').slice(0, 16);
  const elsewhere = join(tmpdir(), `regcache-${name}`, 'control.sock');
  return Buffer.byteLength(own) > MAX_PATH_BYTES ? [elsewhere] : [own, elsewhere];
}

/** The control socket that a daemon of this store has made; where there is none, the first place that it would take. */
export async function findControlSocket(root: string): Promise<string> {
  const [first = '', ...others] = controlPaths(root);
  for (const path of [first, ...others]) {
    const isThere = await lstat(path).then(
      (stats) => stats.isSocket(),
      () => false,
    );
    if (isThere) return path;
  }
  return first;
}
