import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { UserError } from '../user-error.ts';

/** Where a server listens. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string | undefined; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/**
 * Binds a server. A socket file that a killed process has left behind is replaced; one that somebody answers on,
 * and any other file, is not.
 * @throws {UserError} ADDRESS_IN_USE, ADDRESS_UNUSABLE
 */
export async function listen(server: Server, address: ListenAddress): Promise<void> {
  try {
    await bind(server, address);
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || address.kind === 'tcp' || !(await isAbandoned(address.path))) {
      throw addressError(address, error);
    }
    await rm(address.path, { force: true });
    await bind(server, address).catch((again: unknown) => {
      throw addressError(address, again);
    });
  }
}

async function bind(server: Server, address: ListenAddress): Promise<void> {
  const bound = once(server, 'listening');
  if (address.kind === 'unix') server.listen(address.path);
  else server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) });
  await bound;
}

async function isAbandoned(path: string): Promise<boolean> {
  const isSocket = await lstat(path).then(
    (stats) => stats.isSocket(),
    () => false,
  );
  if (!isSocket) return false;
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function addressError(address: ListenAddress, error: unknown): UserError {
  const at = address.kind === 'unix' ? address.path : `${address.host ?? ''}:${address.port}`;
  const code = codeOf(error);
  if (code === 'EADDRINUSE') {
    return new UserError('ADDRESS_IN_USE', `cannot listen on ${at}: the address is in use`, {
      value: at,
      hint: 'stop what listens there, or set another `http.addr` (REGISTRY_HTTP_ADDR)',
      cause: error,
    });
  }
  const reason = {
    EACCES: 'not permitted',
    EADDRNOTAVAIL: 'no such address on this machine',
    ENOTFOUND: 'no such host',
  };
  const word = Object.entries(reason).find(([key]) => key === code)?.[1] ?? code;
  return new UserError('ADDRESS_UNUSABLE', `cannot listen on ${at}: ${word}`, {
    value: at,
    hint: 'set another `http.addr` (REGISTRY_HTTP_ADDR), such as 127.0.0.1:5000',
    cause: error,
  });
}
