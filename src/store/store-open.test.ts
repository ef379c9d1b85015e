import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { DOCKER_HUB, parseNamespace } from '../oci/namespace.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import { parseTag } from '../oci/reference.ts';
import { parseDigest } from '../oci/digest.ts';
import { Store } from './store.ts';

const QUAY = parseNamespace('quay.io');
const A = parseDigest(`sha256:${'a'.repeat(64)}`);

function open(root: string): Promise<Store> {
  return Store.open({ root, plainNamespace: DOCKER_HUB, clock: new ManualClock() });
}

describe('a store', () => {
  it('has a random id of its own and keeps it', async () => {
    await using stage = await openTestStore();
    await using other = await openTestStore();
    const { id } = stage.store;
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(other.store.id).not.toBe(id);
    expect((await stage.reopen()).id).toBe(id);
  });

  it('is one daemon’s, until that one closes it', async () => {
    await using stage = await openTestStore();
    await expect(open(stage.root)).rejects.toMatchObject({
      name: 'UserError',
      code: 'STORE_IN_USE',
      exitCode: 2,
      value: stage.root,
      hint: expect.stringContaining('rootdirectory'),
    });
    // The refused one must not have taken the owner's lock away.
    await expect(open(stage.root)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    await stage.store[Symbol.asyncDispose]();
    const next = await open(stage.root);
    await next[Symbol.asyncDispose]();
  });

  // A thread has no umask of its own: `npm run mutate` runs the tests in threads, and without this one.
  it.runIf(isMainThread)(
    'has a folder that is nobody else’s in a root that is as the umask makes it',
    async () => {
      await using folder = await tempFolder('umask');
      const root = join(folder.path, 'new', 'store');
      const before = process.umask(0o007);
      try {
        await using _store = await open(root);
      } finally {
        process.umask(before);
      }
      expect((await stat(join(root, 'regcache'))).mode & 0o777).toBe(0o700);
      expect((await stat(root)).mode & 0o777).toBe(0o770);
    },
  );

  it('is free again once its process was killed', async () => {
    await using folder = await tempFolder('killed');
    const source = `
      import { Store } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
      import { systemClock } from ${JSON.stringify(new URL('../async/clock.ts', import.meta.url).href)};
      const store = await Store.open({ root: ${JSON.stringify(folder.path)}, plainNamespace: 'docker.io', clock: systemClock });
      const writer = await store.createBlob(${JSON.stringify(A)});
      writer.write(Buffer.from('half'));
      await writer.flush();
      process.stdout.write('ready');
      setInterval(() => undefined, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const temp = join(folder.path, 'regcache/tmp', `sha256-${'a'.repeat(64)}.part`);
    expect(await readFile(temp, 'utf8')).toBe('half');
    await expect(open(folder.path)).rejects.toMatchObject({ code: 'STORE_IN_USE' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await open(folder.path);
    await expect(readFile(temp)).rejects.toThrow('ENOENT');
    await store[Symbol.asyncDispose]();
  });

  it('keeps its plain paths for the namespace it was made with', async () => {
    await using stage = await openTestStore();
    const tag = parseTag('v1');
    const name = parseRepositoryName('library/alpine');
    await stage.store.writeTag({ namespace: DOCKER_HUB, name }, tag, A, 5);
    const store = await stage.reopen(QUAY);
    expect(await store.readTag({ namespace: QUAY, name }, tag)).toBeUndefined();
    expect(await store.readTag({ namespace: DOCKER_HUB, name }, tag)).toEqual({ digest: A, checkedAtMs: 5 });
    await store.writeTag({ namespace: QUAY, name }, tag, A, 6);
    const files = await stage.files();
    expect(files.filter((file) => file.endsWith('tags/v1/current/link'))).toEqual([
      'docker/registry/v2/repositories/library/alpine/_manifests/tags/v1/current/link',
      'docker/registry/v2/repositories/quay.io/library/alpine/_manifests/tags/v1/current/link',
    ]);
  });
});

describe('opening is refused', () => {
  it('where a part of the path is a file', async () => {
    await using folder = await tempFolder('file');
    await writeFile(join(folder.path, 'file'), '');
    const root = join(folder.path, 'file', 'store');
    await expect(open(root)).rejects.toMatchObject({
      name: 'UserError',
      code: 'STORE_UNWRITABLE',
      exitCode: 2,
      value: root,
      message: `the store ${root} cannot be written: ENOTDIR`,
      hint: 'a part of the path is a file',
    });
  });

  it('where the lock cannot be made', async () => {
    await using stage = await openTestStore();
    await stage.store[Symbol.asyncDispose]();
    const { rm, mkdir } = await import('node:fs/promises');
    await rm(stage.layout.lockFile);
    await mkdir(stage.layout.lockFile);
    await expect(open(stage.root)).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
  });

  it.each([
    ['is damaged', 'nonsense'],
    ['is damaged', '[]'],
    ['is damaged', '{"version":1,"id":"short","plainNamespace":"docker.io"}'],
    ['is damaged', `{"version":1,"id":"${'0'.repeat(32)}","plainNamespace":"_"}`],
    ['is damaged', `{"version":"1","id":"${'0'.repeat(32)}","plainNamespace":"docker.io"}`],
    ['was written by a newer regcache', '{"version":2}'],
  ])('where its identity %s: %s', async (reason, text) => {
    await using folder = await tempFolder('identity');
    await (await open(folder.path))[Symbol.asyncDispose]();
    const file = join(folder.path, 'regcache/store.json');
    await writeFile(file, text);
    await expect(open(folder.path)).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
      message: `${file} ${reason}`,
      exitCode: 2,
    });
    // Refusing lets go of the lock.
    await expect(open(folder.path)).rejects.toMatchObject({ code: 'STORE_UNREADABLE' });
  });
});
