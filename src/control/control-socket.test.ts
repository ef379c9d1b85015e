import { chmod, mkdir, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { controlPlaces } from './control-path.ts';
import { ControlSocket } from './control-socket.ts';

async function ask(socketPath: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath, path: '/' }, (response) => resolve(text(response)))
    .on('error', reject)
    .end();
  return await promise;
}

test('lies in the root, for nobody but its owner, and goes with the daemon', async () => {
  await using folder = await tempFolder('control');
  {
    await using socket = await ControlSocket.open(folder.path, (_request, response) => response.end('here'));
    expect(socket.path).toBe(join(folder.path, 'regcache', 'control.sock'));
    expect((await stat(socket.path)).mode & 0o777).toBe(0o600);
    await expect(ask(socket.path)).resolves.toBe('here');
  }
  await expect(stat(controlPlaces(folder.path)[0].path)).rejects.toThrow('ENOENT');
});

test('one that a dead daemon has left is replaced', async () => {
  await using folder = await tempFolder('control');
  await using first = await ControlSocket.open(folder.path, (_request, response) => response.end('first'));
  await using second = await ControlSocket.open(folder.path, (_request, response) => response.end('second'));
  expect(second.path).toBe(first.path);
  await expect(ask(second.path)).resolves.toBe('second');
});

test('lies elsewhere, in a folder of its own, where the root’s path is too long for a socket', async () => {
  await using folder = await tempFolder('control');
  const root = join(folder.path, 'x'.repeat(100));
  await mkdir(root);
  await using socket = await ControlSocket.open(root, (_request, response) => response.end('elsewhere'));
  expect(socket.path.startsWith(root)).toBe(false);
  expect(controlPlaces(root)).toEqual([{ kind: 'shared', path: socket.path }]);
  expect(socket.elsewhere).toBe('its path there is too long for a socket');
  expect((await stat(dirname(socket.path))).mode & 0o777).toBe(0o700);
  await expect(ask(socket.path)).resolves.toBe('elsewhere');
});

test('a folder among temporary files that others can write to is refused', async () => {
  await using folder = await tempFolder('control');
  const root = join(folder.path, 'x'.repeat(100));
  const [{ path }] = controlPlaces(root);
  await mkdir(dirname(path), { recursive: true });
  await chmod(dirname(path), 0o777);
  await expect(ControlSocket.open(root, () => undefined)).rejects.toThrow('belongs to others');
  await rm(dirname(path), { recursive: true });
});

test('stays in the store where its group can write to it, though a dead one lies there', async () => {
  await using folder = await tempFolder('control');
  await using dead = await ControlSocket.open(folder.path, (_request, response) => response.end('dead'));
  await chmod(dirname(dead.path), 0o770);
  await using socket = await ControlSocket.open(folder.path, (_request, response) => response.end('here'));
  expect([socket.path, socket.elsewhere]).toEqual([join(folder.path, 'regcache', 'control.sock'), undefined]);
  expect((await stat(socket.path)).mode & 0o777).toBe(0o600);
  await expect(ask(socket.path)).resolves.toBe('here');
});

test('leaves a store that everybody can write to, takes the dead one away there, and says why', async () => {
  await using folder = await tempFolder('control');
  await using dead = await ControlSocket.open(folder.path, () => undefined);
  await chmod(dirname(dead.path), 0o777);
  await using socket = await ControlSocket.open(folder.path, (_request, response) =>
    response.end('elsewhere'),
  );
  expect(socket.path).toBe(controlPlaces(folder.path)[1]?.path);
  expect(socket.elsewhere).toContain(`${dirname(dead.path)} belongs to others`);
  await expect(stat(dead.path)).rejects.toThrow('ENOENT');
  await expect(ask(socket.path)).resolves.toBe('elsewhere');
});
