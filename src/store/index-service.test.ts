import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { DOCKER_HUB, parseNamespace, type Repository } from '../oci/namespace.ts';
import { parseTag } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import type { IndexChange, IndexEntry } from './index-request.ts';
import { IndexService } from './index-service.ts';
import { Layout } from './layout.ts';

const ALPINE: Repository = { namespace: DOCKER_HUB, name: parseRepositoryName('library/alpine') };
const NESTED: Repository = { namespace: DOCKER_HUB, name: parseRepositoryName('library/alpine/nested') };
const QUAY: Repository = { namespace: parseNamespace('quay.io'), name: parseRepositoryName('a') };
const V1 = parseTag('v1');
const digestAt = (number: number): Digest => parseDigest(`sha256:${number.toString(16).padStart(64, '0')}`);
const A = digestAt(10);
const B = digestAt(11);
const LONG = parseDigest(`sha512:${'c'.repeat(128)}`);

interface Stage extends AsyncDisposable {
  readonly layout: Layout;
  readonly start: () => IndexService;
  readonly put: (path: string, text: string, atMs: number) => Promise<void>;
}

async function open(): Promise<Stage> {
  const folder = await tempFolder('service');
  const layout = new Layout(folder.path, DOCKER_HUB);
  for (const path of [layout.tempFolder, layout.blobsFolder, layout.repositoriesFolder]) {
    await mkdir(path, { recursive: true });
  }
  return {
    layout,
    start: () => new IndexService(folder.path, DOCKER_HUB),
    put: async (path, text, atMs) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      await utimes(path, atMs / 1000, atMs / 1000);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function entryOf(service: IndexService, digest: Digest): Promise<IndexEntry | undefined> {
  return (await service.answer({ kind: 'entry', digest })) as IndexEntry | undefined;
}

const due = (service: IndexService): Promise<unknown> =>
  service.answer({ kind: 'due', by: 'used', cutoffMs: Number.MAX_SAFE_INTEGER, limit: 10_000 });
const apply = (service: IndexService, ...changes: IndexChange[]): Promise<unknown> =>
  service.answer({ kind: 'apply', changes });
const close = (service: IndexService): Promise<unknown> => service.answer({ kind: 'close', complete: true });

async function putTree({ layout, put }: Stage): Promise<void> {
  await put(layout.blobFile(A), 'aaaa', 1000);
  await put(layout.blobFile(LONG), 'cc', 2000);
  await put(layout.proofLink(ALPINE, A, 'blob'), A, 1500);
  await put(layout.proofLink(NESTED, A, 'manifest'), A, 1500);
  await put(layout.contentTypeFile(NESTED, A), 'text/plain', 1500);
  await put(layout.proofLink(QUAY, B, 'blob'), B, 3000);
  await put(layout.tagLink(ALPINE, V1), A, 4000);
}

describe('an index that is missing', () => {
  it('is made from the tree: blobs, proofs, tags, and the times of their files', async () => {
    await using stage = await open();
    await putTree(stage);
    const service = stage.start();
    expect(await due(service)).toEqual([A, LONG, B]);
    expect(await entryOf(service, A)).toEqual({
      storedBytes: 4,
      usedAtMs: 1000,
      fetchedAtMs: 1000,
      proofs: [
        { repository: ALPINE, kind: 'blob' },
        { repository: NESTED, kind: 'manifest' },
      ],
      tags: [{ repository: ALPINE, tag: V1 }],
    });
    expect(await entryOf(service, LONG)).toMatchObject({ storedBytes: 2, proofs: [], tags: [] });
    expect(await entryOf(service, B)).toMatchObject({ storedBytes: 0, usedAtMs: 3000 });
    expect(await service.answer({ kind: 'checked-tag', repository: ALPINE, tag: V1 })).toEqual({
      digest: A,
      checkedAtMs: 4000,
    });
    await close(service);
  });

  it('passes over what is not of the layout', async () => {
    await using stage = await open();
    const { layout, put } = stage;
    const { blobsFolder, repositoriesFolder } = layout;
    const hex = A.slice('sha256:'.length);
    await put(`${blobsFolder}/file`, '', 1);
    await put(`${blobsFolder}/md5/00/${hex}/data`, '', 1);
    await put(`${blobsFolder}/sha256/ff/${hex}/data`, '', 1);
    await put(`${blobsFolder}/sha256/00/short/data`, '', 1);
    await mkdir(layout.blobFolder(B), { recursive: true });
    await mkdir(layout.blobFile(digestAt(12)), { recursive: true });
    await put(layout.proofLink(ALPINE, A, 'blob'), B, 1);
    await put(layout.proofLink(ALPINE, B, 'blob'), '', 1);
    await put(`${repositoriesFolder}/UPPER/_layers/sha256/${hex}/link`, A, 1);
    await put(`${repositoriesFolder}/docker.io/alpine/_layers/sha256/${hex}/link`, A, 1);
    await put(`${repositoriesFolder}/library/_uploads/alpine/_layers/sha256/${hex}/link`, A, 1);
    await put(layout.tagLink(ALPINE, V1), 'nonsense', 1);
    const service = stage.start();
    expect(await due(service)).toEqual([]);
    await close(service);
  });

  it('answers and learns while it reads a large tree', async () => {
    await using stage = await open();
    const { layout, put } = stage;
    for (let number = 1; number <= 1200; number += 1)
      await put(layout.blobFile(digestAt(number)), 'x', number * 1000);
    const service = stage.start();
    const recent = digestAt(5000);
    await apply(service, { kind: 'stored', digest: recent, sizeBytes: 7, atMs: 1 });
    await put(layout.blobFile(recent), 'recent!', 1);
    const all = await due(service);
    expect(all).toHaveLength(1201);
    expect((await entryOf(service, recent))?.storedBytes).toBe(7);
    await close(service);
  });

  it('that is closed before it was made is made at the next start', async () => {
    await using stage = await open();
    for (let number = 1; number <= 500; number += 1)
      await stage.put(stage.layout.blobFile(digestAt(number)), 'x', 1);
    const early = stage.start();
    await close(early);
    const service = stage.start();
    expect(await due(service)).toHaveLength(500);
    await close(service);
  });
});

describe('an index that was closed well', () => {
  it('is believed as it is', async () => {
    await using stage = await open();
    await putTree(stage);
    const first = stage.start();
    await due(first);
    await close(first);
    await rm(stage.layout.blobFile(A));
    const service = stage.start();
    expect((await entryOf(service, A))?.storedBytes).toBe(4);
    await close(service);
  });
});

describe('an index that was not closed', () => {
  it('is compared with the tree; what it knows of uses and checks is kept', async () => {
    await using stage = await open();
    await putTree(stage);
    const first = stage.start();
    await due(first);
    await apply(
      first,
      { kind: 'used', digest: A, atMs: 9000 },
      { kind: 'tagged', repository: ALPINE, tag: V1, digest: A, checkedAtMs: 8000 },
      { kind: 'stored', digest: B, sizeBytes: 5, atMs: 7000 },
    );
    await first.answer({ kind: 'close', complete: false });
    await stage.put(stage.layout.blobFile(A), 'longer', 1);
    const service = stage.start();
    expect(await entryOf(service, A)).toMatchObject({ storedBytes: 6, usedAtMs: 9000, fetchedAtMs: 1000 });
    expect(await entryOf(service, B)).toMatchObject({ storedBytes: 0, usedAtMs: 7000 });
    const asked = { kind: 'checked-tag', repository: ALPINE, tag: V1 } as const;
    expect(await service.answer(asked)).toEqual({ digest: A, checkedAtMs: 8000 });
    await service.answer({ kind: 'close', complete: false });
    await stage.put(stage.layout.tagLink(ALPINE, V1), B, 6000);
    const last = stage.start();
    await due(last);
    expect(await last.answer(asked)).toEqual({ digest: B, checkedAtMs: 6000 });
    await close(last);
  });
});

describe('an index that is damaged', () => {
  const damages: [string, (file: string) => Promise<void>][] = [
    ['no database', (file) => writeFile(file, 'x'.repeat(9000))],
    [
      'of another version',
      async (file) => {
        const database = new DatabaseSync(file);
        database.exec('PRAGMA user_version = 99');
        database.close();
        await Promise.resolve();
      },
    ],
    [
      'broken inside',
      async (file) => {
        const bytes = await readFile(file);
        await writeFile(file, bytes.fill(0xff, 4096));
      },
    ],
  ];

  it.each(damages)('because it is %s is put aside and made again', async (_, damage) => {
    await using stage = await open();
    await putTree(stage);
    const first = stage.start();
    await due(first);
    await close(first);
    await damage(stage.layout.indexFile);
    for (let round = 0; round < 2; round += 1) {
      const copy = `${stage.layout.indexFile}.copy`;
      if (round === 0) await cp(stage.layout.indexFile, copy);
      else await cp(copy, stage.layout.indexFile);
      const service = stage.start();
      expect(await due(service)).toEqual([A, LONG, B]);
      await close(service);
      expect(existsSync(`${stage.layout.indexFile}.damaged`)).toBe(true);
    }
  });

  it('in no way but cannot be opened stays as it is', async () => {
    await using stage = await open();
    await mkdir(stage.layout.indexFile);
    expect(() => stage.start()).toThrow('unable to open');
    expect(existsSync(`${stage.layout.indexFile}.damaged`)).toBe(false);
  });
});

describe('changes', () => {
  it('are all applied or none', async () => {
    await using stage = await open();
    const service = stage.start();
    const bad = { kind: 'stored', digest: B, sizeBytes: 0.5, atMs: 1 } as const;
    await expect(apply(service, { kind: 'stored', digest: A, sizeBytes: 1, atMs: 1 }, bad)).rejects.toThrow(
      'REAL',
    );
    expect(await due(service)).toEqual([]);
    await apply(service, { kind: 'stored', digest: A, sizeBytes: 1, atMs: 1.5 });
    expect(await due(service)).toEqual([A]);
    await close(service);
  });

  it('never move a use back', async () => {
    await using stage = await open();
    const service = stage.start();
    await apply(
      service,
      { kind: 'proven', digest: A, repository: QUAY, proof: 'blob', sizeBytes: 3, atMs: 50 },
      { kind: 'stored', digest: A, sizeBytes: 4, atMs: 40 },
      { kind: 'used', digest: A, atMs: 30 },
    );
    expect(await entryOf(service, A)).toMatchObject({ storedBytes: 4, usedAtMs: 50, fetchedAtMs: 40 });
    await service.answer({ kind: 'forget', digest: A });
    expect(await entryOf(service, A)).toBeUndefined();
    expect(await service.answer({ kind: 'earliest', by: 'used' })).toBeUndefined();
    await close(service);
  });
});
