import { once } from 'node:events';
import { chmod, lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { dirname } from 'node:path';
import { controlPaths } from './control-path.ts';

/** The unix socket through which this machine's operator asks the daemon; nobody else can open it. */
export class ControlSocket implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;

  private constructor(path: string, server: Server) {
    this.path = path;
    this.#server = server;
  }

  /**
   * Listens for the daemon of a store, whose lock it holds: a socket that lies there is a dead one's.
   * @throws where no socket can be made; a cache works without one
   */
  static async open(root: string, listener: RequestListener): Promise<ControlSocket> {
    let failure: unknown;
    for (const path of controlPaths(root)) {
      try {
        await ownFolder(dirname(path));
        await rm(path, { force: true });
        return new ControlSocket(path, await listenAt(path, listener));
      } catch (error) {
        failure = error;
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

/** A folder that somebody else has made, or can write into, is no place for a socket. */
async function ownFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = await lstat(folder);
  const isOwn = process.geteuid === undefined || uid === process.geteuid();
  if (!isOwn || (mode & 0o022) !== 0) throw new Error(`${folder} belongs to others, or they can write to it`);
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
