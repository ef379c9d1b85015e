import { once } from 'node:events';
import { chmod, lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { dirname } from 'node:path';
import { type ControlPlace, controlPlaces } from './control-path.ts';

/** The unix socket through which this machine's operator asks the daemon; nobody else can open it. */
export class ControlSocket implements AsyncDisposable {
  readonly path: string;
  /** Why it does not lie in the root; undefined where it does. */
  readonly elsewhere: string | undefined;
  readonly #server: Server;

  private constructor(path: string, elsewhere: string | undefined, server: Server) {
    this.path = path;
    this.elsewhere = elsewhere;
    this.#server = server;
  }

  /**
   * Listens for the daemon of a store, whose lock it holds: a socket that lies there is a dead one's.
   * @throws where no socket can be made; a cache works without one
   */
  static async open(root: string, listener: RequestListener): Promise<ControlSocket> {
    let failure: unknown = new Error('its path there is too long for a socket');
    for (const place of controlPlaces(root)) {
      const { kind, path } = place;
      try {
        await prepareFolder(place);
        await rm(path, { force: true });
        const elsewhere = kind === 'store' ? undefined : messageOf(failure);
        return new ControlSocket(path, elsewhere, await listenAt(path, listener));
      } catch (error) {
        failure = error;
        await removeDead(path);
      }
    }
    throw failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await rm(this.path, { force: true });
    // The folder elsewhere was made for it alone; the store's own is not empty.
    await rmdir(dirname(this.path)).catch(() => undefined);
  }
}

/**
 * A folder among the temporary files that somebody else has made, or can write into, is no place for a socket. The
 * store's own may be its group's too: whoever is in that can write the store itself, and the socket is still its owner's.
 */
async function prepareFolder({ kind, path }: ControlPlace): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  const isAccepted = kind === 'store' ? (mode & 0o002) === 0 : isOurs(uid) && (mode & 0o022) === 0;
  if (!isAccepted) throw new Error(`${folder} belongs to others, or they can write to it`);
}

/** Nobody shall find the socket of a dead daemon where the running one's should be. */
async function removeDead(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isSocket() && isOurs(stats.uid)) await rm(path);
  } catch {
    // Where it cannot even be looked for, clients try the next place as well.
  }
}

function isOurs(uid: number): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function listenAt(path: string, listener: RequestListener): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 5_000 }, listener);
  const listening = once(server, 'listening');
  // The socket is made within this call: from its first moment it is its owner's alone.
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  await listening;
  await chmod(path, 0o600);
  return server;
}
