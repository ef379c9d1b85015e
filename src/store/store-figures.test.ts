import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { openTestStore, type TestStore } from '../../fixtures/test-store.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { DOCKER_HUB } from '../oci/namespace.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';

const REPOSITORY = { namespace: DOCKER_HUB, name: parseRepositoryName('team/app') };

async function put({ store }: TestStore, { digest, sizeBytes, read }: Content): Promise<void> {
  const writer = await store.createBlob(digest);
  await writer.write(read(0, sizeBytes));
  await writer.commit(() => undefined);
}

describe('what is stored, in figures', () => {
  test('is counted, and the oldest is named with one of its repositories', async () => {
    await using disk = await openTestStore();
    const { store, clock } = disk;
    await expect(store.figures.summary('used', 3)).resolves.toEqual({ blobs: 0, bytes: 0, oldest: [] });
    const blobs = [seededContent('one', 1_000), seededContent('two', 2_000)];
    for (const blob of blobs) {
      await put(disk, blob);
      await clock.advance(60_000);
    }
    const [one, two] = blobs;
    const startMs = Date.UTC(2026, 0, 1);
    await expect(store.figures.summary('used', 1)).resolves.toEqual({
      blobs: 2,
      bytes: 3_000,
      oldest: [{ digest: one?.digest, sizeBytes: 1_000, atMs: startMs, repository: undefined }],
    });
    if (one !== undefined) store.touch(one.digest, clock.now());
    if (two !== undefined) await store.prove(REPOSITORY, two.digest, 'blob', { sizeBytes: 2_000 });
    const { oldest } = await store.figures.summary('used', 3);
    expect(oldest.map(({ digest, repository }) => [digest, repository])).toEqual([
      [two?.digest, 'docker.io/team/app'],
      [one?.digest, undefined],
    ]);
    const byFetch = await store.figures.summary('fetched', 3);
    expect(byFetch.oldest.map(({ digest }) => digest)).toEqual(blobs.map(({ digest }) => digest));
  });

  test('leaves out what is only proven', async () => {
    await using disk = await openTestStore();
    const { digest } = bytesContent(Buffer.from('elsewhere'));
    await disk.store.prove(REPOSITORY, digest, 'blob', { sizeBytes: 9 });
    await expect(disk.store.figures.summary('used', 3)).resolves.toEqual({ blobs: 0, bytes: 0, oldest: [] });
  });
});

describe('figures of days', () => {
  const figure = { day: '2026-11-25', namespace: 'docker.io', measure: 'hit' };

  test('add up, apart by day, namespace and measure, and outlive the store', async () => {
    await using disk = await openTestStore();
    const { figures } = disk.store;
    figures.count({ ...figure, amount: 2 });
    figures.count({ ...figure, amount: 3 });
    figures.count({ ...figure, measure: 'miss', amount: 1 });
    figures.count({ ...figure, namespace: 'ghcr.io', amount: 4 });
    figures.count({ ...figure, day: '2026-11-24', amount: 7 });
    await expect(figures.days('2026-11-25')).resolves.toEqual([
      { ...figure, amount: 5 },
      { ...figure, measure: 'miss', amount: 1 },
      { ...figure, namespace: 'ghcr.io', amount: 4 },
    ]);
    await disk.reopen();
    await expect(disk.store.figures.days('2026-11-24')).resolves.toHaveLength(4);
    await expect(disk.store.figures.days('2026-11-26')).resolves.toEqual([]);
  });

  test('are kept for 400 days', async () => {
    await using disk = await openTestStore();
    for (let at = 0; at < 405; at += 1) {
      const day = new Date(Date.UTC(2025, 0, 1 + at)).toISOString().slice(0, 10);
      disk.store.figures.count({ ...figure, day, amount: 1 });
    }
    const days = await disk.store.figures.days('2000-01-01');
    expect(days).toHaveLength(400);
    expect(days[0]?.day).toBe('2025-01-06');
  });

  test('an index of the version before gets their table and keeps what it knows', async () => {
    await using disk = await openTestStore();
    const blob = seededContent('kept', 1_000);
    await put(disk, blob);
    await disk.store[Symbol.asyncDispose]();
    const database = new DatabaseSync(`${disk.root}/regcache/index.sqlite`);
    database.exec('DROP TABLE days; PRAGMA user_version = 1');
    database.close();
    await disk.clock.advance(3_600_000);
    await disk.reopen();
    const { oldest } = await disk.store.figures.summary('fetched', 1);
    expect(oldest[0]?.atMs).toBe(Date.UTC(2026, 0, 1));
    disk.store.figures.count({ ...figure, amount: 1 });
    await expect(disk.store.figures.days('2026-11-25')).resolves.toEqual([{ ...figure, amount: 1 }]);
  });
});
