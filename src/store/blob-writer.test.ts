import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededContent } from '../bench/image/content.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { parseDigest } from '../oci/digest.ts';
import type { BlobWriter } from './blob-writer.ts';

const BLOB = seededContent('blob', 3_000_000);
const BYTES = BLOB.read(0, BLOB.sizeBytes);

async function writeAll(writer: BlobWriter, bytes: Buffer, pieceBytes = 65_536): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // A copy: the writer owns what it is given.
    await writer.write(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  }
}

async function readAll(
  reader: { read(into: Buffer, position: number): Promise<number> },
  sizeBytes = BLOB.sizeBytes,
): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes);
  let position = 0;
  for (;;) {
    const length = await reader.read(bytes.subarray(position, position + 100_000), position);
    if (length === 0) return bytes.subarray(0, position);
    position += length;
  }
}

async function openFiles(root: string): Promise<number> {
  const { readlink } = await import('node:fs/promises');
  const links = await readdir('/proc/self/fd');
  const targets = await Promise.all(links.map((link) => readlink(`/proc/self/fd/${link}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(root) && !target.includes('.sqlite')).length;
}

describe('a blob', () => {
  it('gets its final name once it is whole and proven', async () => {
    await using stage = await openTestStore();
    const { store, layout } = stage;
    const writer = await store.createBlob(BLOB.digest);
    await writeAll(writer, BYTES);
    await writer.flush();
    expect(await store.openBlob(BLOB.digest)).toBeUndefined();
    expect(await store.hasBlob(BLOB.digest)).toBe(false);
    expect(await readdir(layout.tempFolder)).toHaveLength(1);
    expect(await writer.commit()).toEqual({ kind: 'stored', sizeBytes: BLOB.sizeBytes });
    expect(await readFile(layout.blobFile(BLOB.digest))).toEqual(BYTES);
    expect(await readdir(layout.tempFolder)).toEqual([]);
    expect(await store.hasBlob(BLOB.digest)).toBe(true);
    expect(await openFiles(stage.root)).toBe(0);
  });

  it('with another digest leaves nothing behind', async () => {
    await using stage = await openTestStore();
    const { store } = stage;
    const before = await stage.files();
    const other = seededContent('other', 10);
    const writer = await store.createBlob(other.digest);
    await writeAll(writer, BYTES);
    expect(await writer.commit()).toEqual({ kind: 'wrong-digest', actual: BLOB.digest });
    expect(await stage.files()).toEqual(before);
    expect(await store.hasBlob(other.digest)).toBe(false);
    expect(await store.earliest('used')).toBeUndefined();
    expect(await openFiles(stage.root)).toBe(0);
    await writer.abort();
    await (await store.createBlob(other.digest)).abort();
  });

  it('may be empty', async () => {
    await using stage = await openTestStore();
    const empty = seededContent('', 0);
    const writer = await stage.store.createBlob(empty.digest);
    expect(writer.write(Buffer.alloc(0))).toBeUndefined();
    expect(await writer.commit()).toEqual({ kind: 'stored', sizeBytes: 0 });
    await using blob = await stage.store.openBlob(empty.digest);
    expect(blob?.sizeBytes).toBe(0);
    expect(await blob?.read(Buffer.alloc(1), 0)).toBe(0);
  });

  it('may have a sha512 digest', async () => {
    await using stage = await openTestStore();
    const digest = parseDigest(`sha512:${createHash('sha512').update('text').digest('hex')}`);
    const writer = await stage.store.createBlob(digest);
    void writer.write(Buffer.from('text'));
    expect(await writer.commit()).toEqual({ kind: 'stored', sizeBytes: 4 });
    expect(await stage.store.readBlobWhole(digest, 4)).toEqual(Buffer.from('text'));
  });

  it('is written by one writer at a time', async () => {
    await using stage = await openTestStore();
    const [first, second] = await Promise.allSettled([
      stage.store.createBlob(BLOB.digest),
      stage.store.createBlob(BLOB.digest),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { message: `${BLOB.digest} is being written already` },
    });
    if (first.status === 'fulfilled') await first.value.abort();
    const again = await stage.store.createBlob(BLOB.digest);
    await again.abort();
  });

  it('that is stored again replaces the one before', async () => {
    await using stage = await openTestStore();
    for (let round = 0; round < 2; round += 1) {
      const writer = await stage.store.createBlob(BLOB.digest);
      await writeAll(writer, BYTES);
      expect((await writer.commit()).kind).toBe('stored');
    }
    expect((await stat(stage.layout.blobFile(BLOB.digest))).size).toBe(BLOB.sizeBytes);
  });
});

describe('a reader of the growing file', () => {
  it('reads as far as is written, and its owner is told', async () => {
    await using stage = await openTestStore();
    let told = 0;
    const writer = await stage.store.createBlob(BLOB.digest, { onReadable: () => (told += 1) });
    const reader = writer.openReader();
    expect(writer.readableBytes).toBe(0);
    void writer.write(Buffer.from(BYTES.subarray(0, 1000)));
    await writer.flush();
    expect(writer.readableBytes).toBe(1000);
    expect(told).toBeGreaterThan(0);
    expect(await readAll(reader)).toEqual(BYTES.subarray(0, 1000));
    await reader.close();
    await writer.abort();
  });

  it('goes on after the commit, and one opened after the commit reads too', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    const early = writer.openReader();
    await writeAll(writer, BYTES);
    await writer.commit();
    const late = writer.openReader();
    expect(await readAll(early)).toEqual(BYTES);
    expect(await readAll(late)).toEqual(BYTES);
    await late.close();
    expect(await openFiles(stage.root)).toBe(1);
    await early.close();
    await early.close();
    expect(await openFiles(stage.root)).toBe(0);
    await expect(early.read(Buffer.alloc(1), 0)).rejects.toThrow('closed');
  });

  it('goes on after an abort as far as was written; one opened afterwards fails at its first read', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    const early = writer.openReader();
    void writer.write(Buffer.from(BYTES.subarray(0, 5)));
    await writer.flush();
    await writer.abort();
    expect(await readdir(stage.layout.tempFolder)).toEqual([]);
    expect(await readAll(early)).toEqual(BYTES.subarray(0, 5));
    await early.close();
    const late = writer.openReader();
    await expect(late.read(Buffer.alloc(1), 0)).rejects.toThrow('ENOENT');
    await late.close();
    const unread = writer.openReader();
    await unread.close();
  });

  it('may be closed while a read is in flight: that read still ends well', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    await writeAll(writer, BYTES);
    await writer.commit();
    const blob = await stage.store.openBlob(BLOB.digest);
    const into = Buffer.alloc(BLOB.sizeBytes);
    const reading = blob?.read(into, 0);
    await blob?.close();
    const other = await stage.store.openBlob(BLOB.digest);
    expect(await reading).toBe(BLOB.sizeBytes);
    expect(into).toEqual(BYTES);
    await other?.close();
    expect(await openFiles(stage.root)).toBe(0);
  });
});

describe('a writer', () => {
  it('that was aborted takes nothing more, and aborting again is fine', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    void writer.write(Buffer.from('x'));
    await Promise.all([writer.abort(), writer.abort()]);
    await expect(writer.write(Buffer.from('x'))).rejects.toThrow('aborted');
    await expect(writer.flush()).rejects.toThrow('aborted');
    await expect(writer.commit()).rejects.toThrow('aborted already');
    expect(writer.failure?.message).toContain('aborted');
    expect(await openFiles(stage.root)).toBe(0);
  });

  it('that was committed takes nothing more, and aborting it removes nothing', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    await writeAll(writer, BYTES);
    const committing = writer.commit();
    await expect(writer.commit()).rejects.toThrow('committed');
    await expect(writer.write(Buffer.from('x'))).rejects.toThrow('being committed');
    await writer.abort();
    expect((await committing).kind).toBe('stored');
    expect(await stage.store.hasBlob(BLOB.digest)).toBe(true);
  });

  it('writes by itself, without being asked to flush', async () => {
    await using stage = await openTestStore();
    const readable = Promise.withResolvers<void>();
    const writer = await stage.store.createBlob(BLOB.digest, { onReadable: () => readable.resolve() });
    expect(writer.write(Buffer.from('x'))).toBeUndefined();
    await readable.promise;
    expect(writer.readableBytes).toBe(1);
    await writer.abort();
  });

  it('is aborted when the store closes', async () => {
    await using stage = await openTestStore();
    const writer = await stage.store.createBlob(BLOB.digest);
    void writer.write(Buffer.from('x'));
    await turn();
    await stage.reopen();
    await expect(writer.flush()).rejects.toThrow('aborted');
    expect(await readdir(stage.layout.tempFolder)).toEqual([]);
  });
});
