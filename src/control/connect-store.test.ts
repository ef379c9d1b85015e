import { once } from 'node:events';
import { chmod, chown, mkdir, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type ControlDaemon, startControlDaemon } from '../../fixtures/control-daemon.ts';
import { seededSnapshot } from '../../fixtures/seeded-snapshot.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { connectStore } from './connect-store.ts';
import { controlPlaces } from './control-path.ts';

const never = new AbortController().signal;

interface Stage extends AsyncDisposable {
  readonly root: string;
  readonly own: string;
  readonly shared: string;
}

/** A store whose daemon listens among the temporary files. */
async function stage(): Promise<Stage & { readonly daemon: ControlDaemon }> {
  const folder: TempFolder = await tempFolder('connect');
  const root = folder.path;
  const [own, shared] = controlPlaces(root).map(({ path }) => path);
  if (own === undefined || shared === undefined) throw new Error('one place only');
  await mkdir(join(root, 'regcache'));
  await mkdir(dirname(shared), { mode: 0o700 });
  const daemon = await startControlDaemon(seededSnapshot(), shared);
  return {
    root,
    own,
    shared,
    daemon,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      await rm(dirname(shared), { recursive: true });
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Leaves what a killed daemon leaves: a socket that nobody listens on. */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.live`);
  await once(server, 'listening');
  await rename(`${path}.live`, path);
  server.close();
  await once(server, 'close');
}

async function namesSeen(root: string): Promise<readonly string[]> {
  const client = connectStore(root);
  const names = [(await client.snapshot(never)).daemon.name];
  for await (const snapshot of client.watch(never, 100)) {
    names.push(snapshot.daemon.name);
    break;
  }
  return names;
}

test('a daemon that listens elsewhere is found, though a dead socket lies in the root', async () => {
  await using at = await stage();
  await leaveDeadSocket(at.own);
  expect(await namesSeen(at.root)).toEqual(['china', 'china']);
});

test('the one in the root comes first, from when it is there', async () => {
  await using at = await stage();
  const client = connectStore(at.root);
  expect((await client.snapshot(never)).daemon.name).toBe('china');
  await using _ = await startControlDaemon(seededSnapshot({ name: 'asia' }), at.own);
  expect((await client.snapshot(never)).daemon.name).toBe('asia');
});

test('a socket among the temporary files in a folder that others can write to is not asked', async () => {
  await using at = await stage();
  await chmod(dirname(at.shared), 0o777);
  const message = expect.stringMatching(
    new RegExp(`^no regcache answers on ${at.own} \\(ENOENT\\); .*${at.shared} .*it is not asked`),
  );
  await expect(connectStore(at.root).snapshot(never)).rejects.toMatchObject({ code: 'NO_DAEMON', message });
  expect(at.daemon.asked).toEqual([]);
});

test.skipIf(process.geteuid?.() !== 0)(
  'nor is one that another user has made, but the store’s owner may',
  async () => {
    await using at = await stage();
    await chown(dirname(at.shared), 4711, 4711);
    await expect(connectStore(at.root).daily(never, 1)).rejects.toMatchObject({
      code: 'NO_DAEMON',
      message: expect.stringContaining('its folder is user 4711’s'),
    });
    expect(at.daemon.asked).toEqual([]);
    await chown(at.root, 4711, 4711);
    expect(await namesSeen(at.root)).toEqual(['china', 'china']);
  },
);

test('where no daemon runs, the socket in the root is named', async () => {
  await using folder = await tempFolder('connect');
  const [{ path }] = controlPlaces(folder.path);
  await expect(connectStore(folder.path).snapshot(never)).rejects.toMatchObject({
    code: 'NO_DAEMON',
    message: `no regcache answers on ${path} (ENOENT)`,
  });
});
