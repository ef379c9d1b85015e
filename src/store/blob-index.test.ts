import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { parseDigest } from '../oci/digest.ts';
import { DOCKER_HUB } from '../oci/namespace.ts';
import { BlobIndex } from './blob-index.ts';
import type { IndexAnswers, IndexRequest } from './index-request.ts';
import { IndexThread } from './index-thread.ts';

const A = parseDigest(`sha256:${'a'.repeat(64)}`);
const B = parseDigest(`sha256:${'b'.repeat(64)}`);

/** A thread that only notes what it is asked. */
class NotingThread extends IndexThread {
  readonly asked: IndexRequest[] = [];
  failing = false;

  override ask<K extends IndexRequest['kind']>(
    request: Extract<IndexRequest, { kind: K }>,
  ): Promise<IndexAnswers[K]> {
    this.asked.push(request);
    return this.failing ? Promise.reject(new Error('full')) : super.ask(request);
  }
}

async function open(): Promise<
  AsyncDisposable & {
    index: BlobIndex;
    clock: ManualClock;
    thread: NotingThread;
    failures: string[];
    applied: () => unknown[];
  }
> {
  const folder = await tempFolder('index');
  await mkdir(join(folder.path, 'regcache'));
  const clock = new ManualClock();
  const thread = new NotingThread();
  const failures: string[] = [];
  const index = await BlobIndex.open({
    root: folder.path,
    plainNamespace: DOCKER_HUB,
    clock,
    thread,
    onFailure: (error) => failures.push(error.message),
  });
  return {
    index,
    clock,
    thread,
    failures,
    applied: () =>
      thread.asked.filter((request) => request.kind === 'apply').map((request) => request.changes),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('changes', () => {
  it('wait a second for others, and uses of one digest become one', async () => {
    await using stage = await open();
    const { index, clock, applied } = stage;
    index.record({ kind: 'stored', digest: A, sizeBytes: 1, atMs: 10 });
    index.use(A, 30);
    index.use(A, 20);
    index.use(B, 5);
    await clock.advance(999);
    expect(applied()).toEqual([]);
    await clock.advance(1);
    expect(applied()).toEqual([
      [
        { kind: 'stored', digest: A, sizeBytes: 1, atMs: 10 },
        { kind: 'used', digest: A, atMs: 30 },
        { kind: 'used', digest: B, atMs: 5 },
      ],
    ]);
    await clock.advance(5000);
    expect(applied()).toHaveLength(1);
    index.use(A, 40);
    await clock.advance(1000);
    expect(applied()).toHaveLength(2);
    expect(await index.earliest('used')).toBe(40);
    await index.close();
    expect(clock.sleeping).toBe(0);
  });

  it('do not wait once there are a thousand', async () => {
    await using stage = await open();
    for (let count = 0; count < 999; count += 1) stage.index.record({ kind: 'used', digest: A, atMs: count });
    expect(stage.applied()).toEqual([]);
    stage.index.use(A, 1);
    expect(stage.applied()).toHaveLength(1);
    await stage.index.close();
  });

  it('are applied before any question is answered, and before the end', async () => {
    await using stage = await open();
    const { index } = stage;
    index.record({ kind: 'stored', digest: A, sizeBytes: 1, atMs: 10 });
    expect(await index.due('used', 10, 9)).toEqual([A]);
    index.use(A, 20);
    expect(await index.earliest('used')).toBe(20);
    index.use(A, 30);
    expect((await index.entry(A))?.usedAtMs).toBe(30);
    index.use(A, 40);
    await index.close();
    expect(stage.thread.asked.slice(-2)).toMatchObject([
      { kind: 'apply', changes: [{ kind: 'used', digest: A, atMs: 40 }] },
      { kind: 'close', complete: true },
    ]);
    expect(stage.failures).toEqual([]);
  });

  it('that are lost are told, and the index then does not count as complete', async () => {
    await using stage = await open();
    stage.thread.failing = true;
    stage.index.use(A, 1);
    await stage.clock.advance(1000);
    expect(stage.failures).toEqual(['full']);
    stage.thread.failing = false;
    await stage.index.close();
    expect(stage.thread.asked.at(-1)).toEqual({ kind: 'close', complete: false });
  });

  it('that are figures of days are kept through a failure, told all the same, and written later', async () => {
    await using stage = await open();
    const { index, thread, clock } = stage;
    const figure = { day: '2026-11-25', namespace: 'docker.io', measure: 'hit' };
    index.record({ kind: 'counted', ...figure, amount: 1 });
    await index.days('2026-11-25');
    thread.failing = true;
    for (const amount of [2, 3]) {
      index.record({ kind: 'counted', ...figure, amount });
      index.use(A, 1);
      await clock.advance(1000);
    }
    expect(stage.failures).toEqual(['full', 'full']);
    thread.failing = false;
    await expect(index.days('2026-11-25')).resolves.toEqual([{ ...figure, amount: 6 }]);
    index.record({ kind: 'counted', ...figure, amount: 4 });
    await expect(index.days('2026-11-25')).resolves.toEqual([{ ...figure, amount: 10 }]);
    await index.close();
  });
});

describe('a thread that dies', () => {
  it.each([
    [
      'throws',
      `require('node:worker_threads').parentPort.on('message', () => { throw new Error('broken'); })`,
      'broken',
    ],
    [
      'exits',
      `require('node:worker_threads').parentPort.on('message', () => process.exit(3))`,
      'it ended with code 3',
    ],
  ])('because it %s fails whoever waits, and whoever asks later', async (_, source, reason) => {
    const thread = new IndexThread(new Worker(source, { eval: true }));
    const asked = [thread.ask({ kind: 'earliest', by: 'used' }), thread.ask({ kind: 'entry', digest: A })];
    const message = `the index's thread has died: ${reason}`;
    for (const answer of await Promise.allSettled(asked)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { message } });
    }
    await expect(thread.ask({ kind: 'earliest', by: 'used' })).rejects.toThrow(message);
    await thread.terminate();
  });

  it('does not keep an index from closing', async () => {
    await using stage = await open();
    await stage.thread.terminate();
    await stage.index.close();
    expect(stage.failures).toHaveLength(1);
  });
});

it('an index that cannot be opened says so and leaves no thread', async () => {
  await using folder = await tempFolder('index');
  const opening = BlobIndex.open({
    root: join(folder.path, 'missing'),
    plainNamespace: DOCKER_HUB,
    clock: new ManualClock(),
    onFailure: () => undefined,
  });
  await expect(opening).rejects.toThrow('unable to open database file');
});

it('a request before the index is open is refused', async () => {
  const thread = new IndexThread();
  await expect(thread.ask({ kind: 'earliest', by: 'used' })).rejects.toThrow('not open');
  await thread.terminate();
});
