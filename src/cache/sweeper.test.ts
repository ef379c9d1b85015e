import { expect, test, vi } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestCache, repositoryOf } from '../../fixtures/test-cache.ts';
import { openTestStore, type TestStore } from '../../fixtures/test-store.ts';
import type { Digest } from '../oci/digest.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';
import { StoreWriteError } from '../store/store-write-error.ts';
import type { TelemetryEvent } from '../telemetry/event.ts';
import { Telemetry } from '../telemetry/telemetry.ts';
import { Sweeper, type SweeperDeps } from './sweeper.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const app = repositoryOf('team/app');

interface RunningSweeper extends AsyncDisposable {
  readonly events: readonly TelemetryEvent[];
  readonly forgotten: readonly Digest[];
  /** How long it has asked to sleep, each time. */
  readonly sleeps: readonly number[];
  /** Resolves once it has gone to sleep so many times. */
  slept(times: number): Promise<void>;
  /** Lets so much time pass, and waits until it sleeps again. */
  pass(milliseconds: number): Promise<void>;
}

/** A sweeper over a real store whose every sleep is seen. */
function startSweeper(
  disk: TestStore,
  options: Pick<SweeperDeps, 'ttlMs'> & Partial<SweeperDeps>,
): RunningSweeper {
  const events: TelemetryEvent[] = [];
  const forgotten: Digest[] = [];
  const sleeps: number[] = [];
  const waiting = new Set<() => void>();
  const telemetry = new Telemetry();
  telemetry.subscribe((event) => events.push(event));
  const { clock } = disk;
  const slept = async (times: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (sleeps.length >= times) resolve();
    };
    waiting.add(check);
    check();
    await promise;
    waiting.delete(check);
  };
  const sweeper = new Sweeper({
    store: disk.store,
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: async (milliseconds, signal) => {
        const sleeping = clock.sleep(milliseconds, signal);
        sleeps.push(milliseconds);
        for (const check of waiting) check();
        await sleeping;
      },
    },
    telemetry,
    by: 'used',
    onRemoved: (digest) => forgotten.push(digest),
    ...options,
  });
  return {
    events,
    forgotten,
    sleeps,
    slept,
    pass: async (milliseconds) => {
      const before = sleeps.length;
      await clock.advance(milliseconds);
      await slept(before + 1);
    },
    [Symbol.asyncDispose]: async () => sweeper[Symbol.asyncDispose](),
  };
}

async function storeBlob({ store }: TestStore, label: string): Promise<Content> {
  const content = seededContent(`sweeper ${label}`, 1_000);
  const writer = await store.createBlob(content.digest);
  void writer.write(content.read(0, 1_000));
  await writer.commit();
  await store.prove(app, content.digest, 'blob', { sizeBytes: 1_000 });
  return content;
}

test('while nothing is stored it looks again every 2 s, then it waits for the deadline', async () => {
  await using disk = await openTestStore();
  await using sweeper = startSweeper(disk, { ttlMs: HOUR_MS });
  await sweeper.slept(1);
  await sweeper.pass(2_000);
  expect(sweeper.sleeps).toEqual([2_000, 2_000]);
  await disk.clock.advance(500);
  await storeBlob(disk, 'idle');
  await sweeper.pass(1_500);
  expect(sweeper.sleeps.at(-1)).toBe(HOUR_MS - 1_500);
});

test('a blob is removed at its deadline and not before, with all that points at it', async () => {
  await using disk = await openTestStore();
  const { digest } = await storeBlob(disk, 'deadline');
  await disk.store.prove(repositoryOf('team/other'), digest, 'blob', { sizeBytes: 1_000 });
  await using sweeper = startSweeper(disk, { ttlMs: 10 * MINUTE_MS });
  await sweeper.slept(1);
  expect(sweeper.sleeps).toEqual([10 * MINUTE_MS]);
  await disk.clock.advance(10 * MINUTE_MS - 1);
  await expect(disk.store.hasBlob(digest)).resolves.toBe(true);
  await sweeper.pass(1);
  await expect(disk.store.hasBlob(digest)).resolves.toBe(false);
  await expect(disk.store.isProven(app, digest, 'blob')).resolves.toBe(false);
  expect(sweeper.events).toEqual([
    { kind: 'swept', reason: 'ttl', digest, sizeBytes: 1_000, repositories: 2 },
  ]);
  expect(sweeper.forgotten).toEqual([digest]);
  expect(sweeper.sleeps.at(-1)).toBe(2_000);
  expect((await disk.files()).filter((file) => file.includes(digest.slice(7)))).toEqual([]);
});

test.each([
  { by: 'used', sleepsNext: 4 * MINUTE_MS, removed: 0 },
  { by: 'fetched', sleepsNext: 2_000, removed: 1 },
] as const)('a use renews a deadline that counts from what was $by: $removed removed', async (row) => {
  await using disk = await openTestStore();
  const { digest } = await storeBlob(disk, 'renewed');
  await using sweeper = startSweeper(disk, { ttlMs: 10 * MINUTE_MS, by: row.by });
  await sweeper.slept(1);
  await disk.clock.advance(4 * MINUTE_MS);
  disk.store.touch(digest, disk.clock.now());
  await sweeper.pass(6 * MINUTE_MS);
  expect(sweeper.forgotten).toHaveLength(row.removed);
  expect(sweeper.sleeps.at(-1)).toBe(row.sleepsNext);
});

test('the deadline survives a restart, and a changed TTL counts at once', async () => {
  await using disk = await openTestStore();
  await storeBlob(disk, 'restart');
  {
    await using before = startSweeper(disk, { ttlMs: HOUR_MS });
    await before.slept(1);
    await disk.clock.advance(20 * MINUTE_MS);
  }
  await disk.reopen();
  {
    await using after = startSweeper(disk, { ttlMs: HOUR_MS });
    await after.slept(1);
    expect(after.sleeps).toEqual([40 * MINUTE_MS]);
  }
  await using changed = startSweeper(disk, { ttlMs: 15 * MINUTE_MS });
  await changed.slept(1);
  expect(changed.forgotten).toHaveLength(1);
});

test('a blob that is being read stays, and goes within seconds of the last reader', async () => {
  await using disk = await openTestStore();
  const { digest } = await storeBlob(disk, 'being read');
  const also = await storeBlob(disk, 'not being read');
  const reader = await disk.store.openBlob(digest);
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  await sweeper.pass(MINUTE_MS);
  expect(sweeper.forgotten).toEqual([also.digest]);
  expect(sweeper.sleeps.at(-1)).toBe(2_000);
  await expect(reader?.read(Buffer.alloc(10), 0)).resolves.toBe(10);
  await sweeper.pass(2_000);
  expect(sweeper.forgotten).toEqual([also.digest]);
  await reader?.close();
  await sweeper.pass(2_000);
  expect(sweeper.forgotten).toEqual([also.digest, digest]);
});

test('what is used between being found due and being removed stays', async () => {
  await using disk = await openTestStore();
  const { digest } = await storeBlob(disk, 'used meanwhile');
  const due = disk.store.due.bind(disk.store);
  const asked = vi.spyOn(disk.store, 'due').mockImplementationOnce(async (query) => {
    const found = await due(query);
    disk.store.touch(digest, disk.clock.now());
    return found;
  });
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  await sweeper.pass(MINUTE_MS);
  expect(asked.mock.calls[0]).toEqual([{ by: 'used', cutoffMs: disk.clock.now() - MINUTE_MS, limit: 100 }]);
  expect(sweeper.events).toEqual([]);
  expect(sweeper.sleeps.at(-1)).toBe(MINUTE_MS);
  await expect(disk.store.hasBlob(digest)).resolves.toBe(true);
});

test('more than a batch falls due at once and is removed at once', async () => {
  await using disk = await openTestStore();
  const digests = Array.from(
    { length: 205 },
    (_, index) => bytesContent(Buffer.from(`batch ${index}`)).digest,
  );
  await Promise.all(
    digests.map(async (digest) => await disk.store.prove(app, digest, 'blob', { sizeBytes: 1 })),
  );
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  await sweeper.pass(MINUTE_MS);
  expect(sweeper.forgotten.toSorted()).toEqual(digests.toSorted());
  expect(sweeper.sleeps).toEqual([MINUTE_MS, 2_000]);
});

test('what cannot be removed is told of and tried again in 2 s, and keeps nothing else from being removed', async () => {
  await using disk = await openTestStore();
  const stuck = await storeBlob(disk, 'stuck');
  await disk.clock.advance(1);
  const other = await storeBlob(disk, 'other');
  const remove = disk.store.remove.bind(disk.store);
  const removing = vi.spyOn(disk.store, 'remove').mockImplementation(async (digest, condition) => {
    if (digest === stuck.digest) throw new StoreWriteError('EACCES');
    return await remove(digest, condition);
  });
  await disk.clock.advance(MINUTE_MS);
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  expect(sweeper.events).toMatchObject([
    { kind: 'swept', digest: other.digest },
    { kind: 'sweep-failed', reason: 'the store cannot be written: EACCES' },
  ]);
  expect(sweeper.sleeps.at(-1)).toBe(2_000);
  await sweeper.pass(2_000);
  expect(sweeper.events).toHaveLength(3);
  removing.mockRestore();
  await sweeper.pass(2_000);
  expect(sweeper.events.at(-1)).toMatchObject({ kind: 'swept', digest: stuck.digest });
  expect(sweeper.forgotten).toEqual([other.digest, stuck.digest]);
});

test('many digests that cannot be removed do not hide the next one', async () => {
  await using disk = await openTestStore();
  const stuck = Array.from({ length: 100 }, (_, index) => bytesContent(Buffer.from(`stuck ${index}`)).digest);
  await Promise.all(
    stuck.map(async (digest) => await disk.store.prove(app, digest, 'blob', { sizeBytes: 1 })),
  );
  const due = vi.spyOn(disk.store, 'due');
  await disk.clock.advance(1);
  const { digest } = await storeBlob(disk, 'behind them');
  const also = await storeBlob(disk, 'among them');
  const remove = disk.store.remove.bind(disk.store);
  vi.spyOn(disk.store, 'remove').mockImplementation(async (each, condition) => {
    if (stuck.slice(1).includes(each)) throw new StoreWriteError('EACCES');
    return await remove(each, condition);
  });
  await disk.clock.advance(MINUTE_MS);
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  expect(new Set(sweeper.forgotten)).toEqual(new Set([stuck[0], digest, also.digest]));
  expect(due.mock.calls.map(([query]) => query.limit)).toEqual([100, 199, 199]);
  expect(sweeper.events.filter(({ kind }) => kind === 'sweep-failed')).toHaveLength(1);
});

test('an index that fails is told of and asked again in 2 s', async () => {
  await using disk = await openTestStore();
  vi.spyOn(disk.store, 'earliest').mockRejectedValueOnce(new Error('the index is gone'));
  await using sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  expect(sweeper.events).toEqual([{ kind: 'sweep-failed', reason: 'the index is gone' }]);
  await sweeper.pass(2_000);
  expect(sweeper.sleeps).toEqual([2_000, 2_000]);
  expect(sweeper.events).toHaveLength(1);
});

test('a deadline in the far future is waited for in steps of 6 hours', async () => {
  await using disk = await openTestStore();
  await storeBlob(disk, 'far');
  await using sweeper = startSweeper(disk, { ttlMs: 13 * HOUR_MS });
  await sweeper.slept(1);
  await sweeper.pass(6 * HOUR_MS);
  await sweeper.pass(6 * HOUR_MS);
  expect(sweeper.sleeps).toEqual([6 * HOUR_MS, 6 * HOUR_MS, HOUR_MS]);
  expect(sweeper.forgotten).toEqual([]);
  await sweeper.pass(HOUR_MS);
  expect(sweeper.forgotten).toHaveLength(1);
});

test('stopping ends its sleep and tells of no failure', async () => {
  await using disk = await openTestStore();
  const sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await sweeper.slept(1);
  await sweeper[Symbol.asyncDispose]();
  expect(sweeper.events).toEqual([]);
  expect(disk.clock.sleeping).toBe(0);
});

test('stopping in the middle of a batch leaves the rest for the next time', async () => {
  await using disk = await openTestStore();
  await storeBlob(disk, 'first of two');
  await storeBlob(disk, 'second of two');
  const remove = disk.store.remove.bind(disk.store);
  let stopping: Promise<void> | undefined;
  vi.spyOn(disk.store, 'remove').mockImplementation(async (digest, condition) => {
    stopping = Promise.resolve(sweeper[Symbol.asyncDispose]());
    return await remove(digest, condition);
  });
  await disk.clock.advance(MINUTE_MS);
  const sweeper = startSweeper(disk, { ttlMs: MINUTE_MS });
  await vi.waitFor(() => expect(stopping).toBeDefined(), { timeout: 20_000 });
  await stopping;
  expect(sweeper.forgotten).toHaveLength(1);
  expect(sweeper.events).toHaveLength(1);
});

test('a swept manifest takes its tag with it and is asked for again', async () => {
  await using disk = await openTestStore();
  await using upstream = await startScriptedUpstream();
  const manifest = bytesContent(Buffer.from('{"schemaVersion":2}'));
  upstream.on('GET', '/v2/team/app/manifests/latest', sends(manifest, { contentType: OCI_MANIFEST }), 2);
  await using cache = await openTestCache({ upstreamUrl: upstream.url, disk });
  await cache.manifest('team/app', 'latest');
  await using sweeper = startSweeper(disk, {
    ttlMs: MINUTE_MS,
    onRemoved: (digest) => {
      cache.manifests.forget(digest);
      cache.removed.add(digest);
    },
  });
  await sweeper.slept(1);
  await sweeper.pass(MINUTE_MS);
  expect(sweeper.events).toMatchObject([{ kind: 'swept', digest: manifest.digest, repositories: 1 }]);
  expect((await disk.files()).filter((file) => file.includes('latest'))).toEqual([]);
  await expect(cache.manifest('team/app', 'latest')).resolves.toMatchObject({
    passage: { outcome: 'miss', missReason: 'expired' },
  });
});
