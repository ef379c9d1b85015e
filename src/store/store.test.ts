import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { openTestStore, type TestStore } from '../../fixtures/test-store.ts';
import { systemClock } from '../async/clock.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';
import { DOCKER_HUB, parseNamespace, type Repository } from '../oci/namespace.ts';
import { parseTag } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import { Store } from './store.ts';

const ALPINE: Repository = { namespace: DOCKER_HUB, name: parseRepositoryName('library/alpine') };
const BUSYBOX: Repository = { namespace: parseNamespace('quay.io'), name: parseRepositoryName('busybox') };
const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2}'));
const BYTES = MANIFEST.read(0, MANIFEST.sizeBytes);
const V1 = parseTag('v1');

async function put(stage: TestStore, repository = ALPINE): Promise<void> {
  await stage.store.putManifest(repository, MANIFEST.digest, Buffer.from(BYTES), OCI_MANIFEST);
}

describe('a manifest', () => {
  it('is stored and proven with its type, and outlives the daemon', async () => {
    await using stage = await openTestStore();
    await put(stage);
    for (const store of [stage.store, await stage.reopen()]) {
      expect(await store.readBlobWhole(MANIFEST.digest, BYTES.length)).toEqual(BYTES);
      expect(await store.isProven(ALPINE, MANIFEST.digest, 'manifest')).toBe(true);
      expect(await store.isProven(ALPINE, MANIFEST.digest, 'blob')).toBe(false);
      expect(await store.isProven(BUSYBOX, MANIFEST.digest, 'manifest')).toBe(false);
      expect(await store.manifestType(ALPINE, MANIFEST.digest)).toBe(OCI_MANIFEST);
      expect(await store.manifestType(BUSYBOX, MANIFEST.digest)).toBeUndefined();
    }
  });

  it('with another digest is not taken', async () => {
    await using stage = await openTestStore();
    const before = await stage.files();
    const other = seededContent('other', 5);
    await expect(stage.store.putManifest(ALPINE, other.digest, BYTES, OCI_MANIFEST)).rejects.toThrow(
      MANIFEST.digest,
    );
    expect(await stage.files()).toEqual(before);
  });

  it('is not read where it is larger than allowed', async () => {
    await using stage = await openTestStore();
    await put(stage);
    expect(await stage.store.readBlobWhole(MANIFEST.digest, BYTES.length - 1)).toBeUndefined();
  });

  it('that was damaged on the disk counts as not stored, and storing it mends it', async () => {
    await using stage = await openTestStore();
    await put(stage);
    const file = stage.layout.blobFile(MANIFEST.digest);
    await writeFile(file, Buffer.from(BYTES).fill('x', 3, 4));
    expect(await stage.store.readBlobWhole(MANIFEST.digest, 100)).toBeUndefined();
    await put(stage);
    expect(await readFile(file)).toEqual(BYTES);
  });

  it('may be put for many repositories at the same time', async () => {
    await using stage = await openTestStore();
    await Promise.all([put(stage), put(stage, BUSYBOX), put(stage)]);
    expect(await stage.store.isProven(BUSYBOX, MANIFEST.digest, 'manifest')).toBe(true);
    expect((await stage.files()).filter((file) => file.includes('tmp'))).toEqual([]);
  });
});

describe('a proof', () => {
  it('is a link of Distribution’s, written without bytes', async () => {
    await using stage = await openTestStore();
    await stage.store.prove(ALPINE, MANIFEST.digest, 'blob', { sizeBytes: 5 });
    expect(await readFile(stage.layout.proofLink(ALPINE, MANIFEST.digest, 'blob'), 'utf8')).toBe(
      MANIFEST.digest,
    );
    expect(await stage.store.isProven(ALPINE, MANIFEST.digest, 'blob')).toBe(true);
    expect(await stage.store.hasBlob(MANIFEST.digest)).toBe(false);
    expect(await stage.store.manifestType(ALPINE, MANIFEST.digest)).toBeUndefined();
  });

  it('that a power failure left empty proves nothing', async () => {
    await using stage = await openTestStore();
    const link = stage.layout.proofLink(ALPINE, MANIFEST.digest, 'blob');
    await mkdir(stage.layout.proofFolder(ALPINE, MANIFEST.digest, 'blob'), { recursive: true });
    await writeFile(link, '');
    expect(await stage.store.isProven(ALPINE, MANIFEST.digest, 'blob')).toBe(false);
    await writeFile(link, MANIFEST.digest);
    expect(await stage.store.isProven(ALPINE, MANIFEST.digest, 'blob')).toBe(true);
    await rm(link);
    // From memory.
    expect(await stage.store.isProven(ALPINE, MANIFEST.digest, 'blob')).toBe(true);
  });
});

describe('a tag', () => {
  const other = seededContent('other', 5).digest;

  it('points where it was last pointed, and outlives the daemon', async () => {
    await using stage = await openTestStore();
    expect(await stage.store.readTag(ALPINE, V1)).toBeUndefined();
    await stage.store.writeTag(ALPINE, V1, MANIFEST.digest, 100);
    await stage.store.writeTag(ALPINE, V1, other, 200);
    for (const store of [stage.store, await stage.reopen()]) {
      expect(await store.readTag(ALPINE, V1)).toEqual({ digest: other, checkedAtMs: 200 });
      expect(await store.readTag(BUSYBOX, V1)).toBeUndefined();
    }
    const links = (await stage.files()).filter((file) => file.includes('/tags/'));
    const folder = 'docker/registry/v2/repositories/library/alpine/_manifests/tags/v1';
    expect(links).toEqual([`${folder}/current/link`, `${folder}/index/sha256/${other.slice(7)}/link`]);
    expect(await readFile(`${stage.root}/${links[1]}`, 'utf8')).toBe(other);
  });

  it('that is only checked again touches no file', async () => {
    await using stage = await openTestStore();
    await stage.store.writeTag(ALPINE, V1, other, 100);
    await rm(`${stage.root}/docker/registry/v2/repositories`, { recursive: true });
    await stage.store.writeTag(ALPINE, V1, other, 300);
    expect((await stage.files()).filter((file) => file.includes('/tags/'))).toEqual([]);
    expect(await stage.store.readTag(ALPINE, V1)).toEqual({ digest: other, checkedAtMs: 300 });
  });

  it('keeps the time of its last check across a restart', async () => {
    await using stage = await openTestStore();
    await stage.store.writeTag(ALPINE, V1, other, 100);
    await stage.store.writeTag(ALPINE, V1, other, 300);
    const store = await stage.reopen();
    expect(await store.readTag(ALPINE, V1)).toEqual({ digest: other, checkedAtMs: 300 });
  });

  it('whose link is not a digest is no tag', async () => {
    await using stage = await openTestStore();
    await stage.store.writeTag(ALPINE, V1, other, 100);
    await writeFile(stage.layout.tagLink(ALPINE, V1), '');
    const store = await stage.reopen();
    expect(await store.readTag(ALPINE, V1)).toBeUndefined();
  });

  it('that was changed behind the index’s back counts as checked when its link was written', async () => {
    await using stage = await openTestStore();
    await stage.store.writeTag(ALPINE, V1, other, 100);
    await writeFile(stage.layout.tagLink(ALPINE, V1), `${MANIFEST.digest}\n`);
    const startedMs = Date.now() - 60_000;
    const tag = await (await stage.reopen()).readTag(ALPINE, V1);
    expect(tag?.digest).toBe(MANIFEST.digest);
    expect(tag?.checkedAtMs).toBeGreaterThan(startedMs);
  });

  it('ends where the last of many writers pointed it', async () => {
    await using stage = await openTestStore();
    const digests = [MANIFEST.digest, other, MANIFEST.digest, other];
    await Promise.all(digests.map((digest, index) => stage.store.writeTag(ALPINE, V1, digest, index)));
    const store = await stage.reopen();
    expect(await store.readTag(ALPINE, V1)).toEqual({ digest: other, checkedAtMs: 3 });
  });
});

describe('a full disk', () => {
  it('fails the write with ENOSPC, and the store goes on', async (context) => {
    await using folder = await tempFolder('full');
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder.path], { stdio: 'ignore' });
    } catch {
      context.skip('only root may mount');
    }
    try {
      await using store = await Store.open({
        root: folder.path,
        plainNamespace: DOCKER_HUB,
        clock: systemClock,
      });
      const big = seededContent('big', 4_000_000);
      let told = 0;
      const writer = await store.createBlob(big.digest, { onReadable: () => (told += 1) });
      void writer.write(big.read(0, big.sizeBytes));
      await expect(writer.commit()).rejects.toMatchObject({ name: 'StoreWriteError', code: 'ENOSPC' });
      expect(told).toBeGreaterThan(0);
      expect(writer.readableBytes).toBeLessThan(2_097_152);
      await writer.abort();
      expect(await store.hasBlob(big.digest)).toBe(false);
      const small = seededContent('small', 1000);
      const next = await store.createBlob(small.digest);
      void next.write(small.read(0, 1000));
      expect((await next.commit()).kind).toBe('stored');
    } finally {
      // Lazily: a failed test may have left a file open.
      execFileSync('umount', ['-l', folder.path]);
    }
  });
});
