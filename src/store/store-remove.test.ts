import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { seededContent } from '../bench/image/content.ts';
import { openTestStore, type TestStore } from '../../fixtures/test-store.ts';
import type { Digest } from '../oci/digest.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';
import { DOCKER_HUB, parseNamespace, type Repository } from '../oci/namespace.ts';
import { parseTag } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';

const ALPINE: Repository = { namespace: DOCKER_HUB, name: parseRepositoryName('library/alpine') };
const BUSYBOX: Repository = { namespace: parseNamespace('quay.io'), name: parseRepositoryName('busybox') };
const REFUSED = { removed: false, sizeBytes: 0, repositories: 0 };
const V1 = parseTag('v1');
const V2 = parseTag('v2');

async function storeBlob(stage: TestStore, seed: string, sizeBytes = 100): Promise<Digest> {
  const content = seededContent(seed, sizeBytes);
  const writer = await stage.store.createBlob(content.digest);
  void writer.write(content.read(0, sizeBytes));
  await writer.commit();
  return content.digest;
}

describe('a removed digest', () => {
  it('is gone with its proofs, tags and links, and nothing else is', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const kept = await storeBlob(stage, 'kept');
    await store.prove(ALPINE, kept, 'blob', { sizeBytes: 100 });
    await store.writeTag(ALPINE, V2, kept, 1);
    const before = await stage.files();
    const content = seededContent('manifest', 50);
    const bytes = content.read(0, 50);
    await store.putManifest(ALPINE, content.digest, bytes, OCI_MANIFEST);
    await store.putManifest(BUSYBOX, content.digest, bytes, OCI_MANIFEST);
    await store.prove(ALPINE, content.digest, 'blob', { sizeBytes: 50 });
    await store.writeTag(ALPINE, V1, content.digest, 1);
    await store.writeTag(BUSYBOX, V2, content.digest, 1);
    const condition = { by: 'used', cutoffMs: clock.now() } as const;
    expect(await store.remove(content.digest, condition)).toEqual({
      removed: true,
      sizeBytes: 50,
      repositories: 2,
    });
    expect(await stage.files()).toEqual(before);
    expect(await readdir(`${stage.layout.blobsFolder}/sha256/${content.digest.slice(7, 9)}`)).toEqual([]);
    expect(await store.hasBlob(content.digest)).toBe(false);
    expect(await store.isProven(ALPINE, content.digest, 'manifest')).toBe(false);
    expect(await store.isProven(ALPINE, content.digest, 'blob')).toBe(false);
    expect(await store.readTag(ALPINE, V1)).toBeUndefined();
    expect(await store.readTag(BUSYBOX, V2)).toBeUndefined();
    expect((await store.readTag(ALPINE, V2))?.digest).toBe(kept);
    expect(await store.due({ by: 'used', cutoffMs: clock.now(), limit: 9 })).toEqual([kept]);
    expect(await store.remove(content.digest, condition)).toEqual(REFUSED);
  });

  it('leaves alone a tag that points elsewhere by now', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const old = await storeBlob(stage, 'old');
    const next = await storeBlob(stage, 'next');
    await store.writeTag(ALPINE, V1, old, 1);
    await store.due({ by: 'used', cutoffMs: 0, limit: 1 });
    const [removal] = await Promise.all([
      store.remove(old, { by: 'used', cutoffMs: clock.now() }),
      store.writeTag(ALPINE, V1, next, 2),
    ]);
    expect(removal.removed).toBe(true);
    expect(await store.readTag(ALPINE, V1)).toEqual({ digest: next, checkedAtMs: 2 });
    expect((await (await stage.reopen()).readTag(ALPINE, V1))?.digest).toBe(next);
  });

  it('that was only proven takes its links along', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const { digest } = seededContent('never stored', 9);
    await store.prove(ALPINE, digest, 'blob', { sizeBytes: 9 });
    expect(await store.due({ by: 'used', cutoffMs: clock.now(), limit: 9 })).toEqual([digest]);
    const removal = await store.remove(digest, { by: 'used', cutoffMs: clock.now() });
    expect(removal).toEqual({ removed: true, sizeBytes: 0, repositories: 1 });
    expect(await store.isProven(ALPINE, digest, 'blob')).toBe(false);
  });

  it('is not removed while somebody reads it who had it open as a growing file', async () => {
    await using stage = await openTestStore();
    const content = seededContent('growing', 100);
    const writer = await stage.store.createBlob(content.digest);
    const reader = writer.openReader();
    void writer.write(content.read(0, 100));
    await writer.commit();
    const condition = { by: 'used', cutoffMs: stage.clock.now() } as const;
    expect((await stage.store.remove(content.digest, condition)).removed).toBe(false);
    const bytes = Buffer.alloc(100);
    expect(await reader.read(bytes, 0)).toBe(100);
    expect(bytes).toEqual(content.read(0, 100));
    await reader.close();
    expect((await stage.store.remove(content.digest, condition)).removed).toBe(true);
  });

  it('may be stored again', async () => {
    await using stage = await openTestStore();
    const digest = await storeBlob(stage, 'again');
    const removing = stage.store.remove(digest, { by: 'used', cutoffMs: stage.clock.now() });
    await storeBlob(stage, 'again');
    expect((await removing).removed).toBe(true);
    expect(await stage.store.hasBlob(digest)).toBe(true);
    expect(await stage.store.earliest('used')).toBe(stage.clock.now());
  });
});

describe('a digest is not removed', () => {
  it('while somebody has it open', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const digest = await storeBlob(stage, 'open');
    const other = await storeBlob(stage, 'other');
    const blob = await store.openBlob(digest);
    const condition = { by: 'used', cutoffMs: clock.now() } as const;
    expect(await store.due({ ...condition, limit: 1 })).toEqual([other]);
    expect(await store.remove(digest, condition)).toEqual(REFUSED);
    expect(await blob?.read(Buffer.alloc(100), 0)).toBe(100);
    await blob?.close();
    await blob?.close();
    expect(await store.due({ ...condition, limit: 9 })).toHaveLength(2);
    expect((await store.remove(digest, condition)).removed).toBe(true);
  });

  it('while somebody writes it', async () => {
    await using stage = await openTestStore();
    const digest = await storeBlob(stage, 'written');
    const writer = await stage.store.createBlob(digest);
    expect(await stage.store.remove(digest, { by: 'used', cutoffMs: stage.clock.now() })).toEqual(REFUSED);
    await writer.abort();
    expect((await stage.store.remove(digest, { by: 'used', cutoffMs: stage.clock.now() })).removed).toBe(
      true,
    );
  });

  it('when it was used after the cutoff', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const digest = await storeBlob(stage, 'used');
    const cutoffMs = clock.now();
    store.touch(digest, cutoffMs + 1);
    expect(await store.due({ by: 'used', cutoffMs, limit: 9 })).toEqual([]);
    expect(await store.remove(digest, { by: 'used', cutoffMs })).toEqual(REFUSED);
    expect(await store.hasBlob(digest)).toBe(true);
    expect((await store.remove(digest, { by: 'used', cutoffMs: cutoffMs + 1 })).removed).toBe(true);
  });

  it('when it is used while the removal makes up its mind', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const digest = await storeBlob(stage, 'racing');
    const cutoffMs = clock.now();
    const removing = store.remove(digest, { by: 'used', cutoffMs });
    store.touch(digest, cutoffMs + 1);
    const opening = store.openBlob(digest);
    expect(await removing).toEqual(REFUSED);
    const blob = await opening;
    expect(blob?.sizeBytes).toBe(100);
    await blob?.close();
  });

  it('when it was fetched after the cutoff, whatever its uses', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    const fetchedMs = clock.now();
    const digest = await storeBlob(stage, 'fetched');
    expect(await store.remove(digest, { by: 'fetched', cutoffMs: fetchedMs - 1 })).toEqual(REFUSED);
    store.touch(digest, fetchedMs + 1000);
    expect(await store.due({ by: 'fetched', cutoffMs: fetchedMs - 1, limit: 9 })).toEqual([]);
    expect(await store.due({ by: 'fetched', cutoffMs: fetchedMs, limit: 9 })).toEqual([digest]);
    const removing = store.remove(digest, { by: 'fetched', cutoffMs: fetchedMs });
    store.touch(digest, fetchedMs + 2000);
    expect((await removing).removed).toBe(true);
  });

  it('by two at a time', async () => {
    await using stage = await openTestStore();
    const digest = await storeBlob(stage, 'twice');
    const condition = { by: 'used', cutoffMs: stage.clock.now() } as const;
    const removals = await Promise.all([
      stage.store.remove(digest, condition),
      stage.store.remove(digest, condition),
    ]);
    expect(removals.map(({ removed }) => removed)).toEqual([true, false]);
  });
});

it('an open that races with a removal gets the whole blob or nothing', async () => {
  await using stage = await openTestStore();
  const digest = await storeBlob(stage, 'race');
  const removing = stage.store.remove(digest, { by: 'used', cutoffMs: stage.clock.now() });
  const opened = await Promise.all(Array.from({ length: 5 }, () => stage.store.openBlob(digest)));
  expect((await removing).removed).toBe(true);
  expect(opened).toEqual([undefined, undefined, undefined, undefined, undefined]);
});

describe('what is due', () => {
  it('comes oldest first, as many as asked for', async () => {
    await using stage = await openTestStore();
    const { store, clock } = stage;
    expect(await store.earliest('used')).toBeUndefined();
    const startMs = clock.now();
    const digests: Digest[] = [];
    for (const seed of ['a', 'b', 'c']) {
      digests.push(await storeBlob(stage, seed));
      await clock.advance(1000);
    }
    const [a, b, c] = digests;
    if (a !== undefined) store.touch(a, clock.now());
    const all = { cutoffMs: clock.now(), limit: 9 };
    expect(await store.due({ ...all, by: 'used' })).toEqual([b, c, a]);
    expect(await store.due({ ...all, by: 'fetched' })).toEqual([a, b, c]);
    expect(await store.due({ ...all, by: 'used', limit: 2 })).toEqual([b, c]);
    expect(await store.due({ by: 'used', cutoffMs: startMs + 1000, limit: 9 })).toEqual([b]);
    expect(await store.earliest('used')).toBe(startMs + 1000);
    expect(await store.earliest('fetched')).toBe(startMs);
  });

  it('is the same after a restart', async () => {
    await using stage = await openTestStore();
    const digest = await storeBlob(stage, 'kept');
    stage.store.touch(digest, stage.clock.now() + 5000);
    const store = await stage.reopen();
    expect(await store.earliest('used')).toBe(stage.clock.now() + 5000);
    expect(await store.earliest('fetched')).toBe(stage.clock.now());
    expect(stage.indexFailures).toEqual([]);
  });
});
