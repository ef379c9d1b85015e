import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendFile } from './append-file.ts';
import { StoreWriteError } from './store-write-error.ts';

const MIB = 1024 * 1024;

/** A file whose writes wait until the test lets them through. */
class GatedFile {
  readonly writes: { readonly pieces: number; readonly sizeBytes: number; readonly position: number }[] = [];
  content = Buffer.alloc(0);
  #gates: PromiseWithResolvers<number>[] = [];

  async writev(pieces: readonly Buffer[], position: number): Promise<number> {
    const bytes = Buffer.concat(pieces);
    this.writes.push({ pieces: pieces.length, sizeBytes: bytes.length, position });
    const gate = Promise.withResolvers<number>();
    this.#gates.push(gate);
    const length = Math.min(bytes.length, await gate.promise);
    this.content = Buffer.concat([this.content.subarray(0, position), bytes.subarray(0, length)]);
    return length;
  }

  get inFlight(): number {
    return this.#gates.length;
  }

  async let(length = Infinity): Promise<void> {
    this.#gates.shift()?.resolve(length);
    await turn();
  }

  async fail(code: string): Promise<void> {
    this.#gates.shift()?.reject(Object.assign(new Error('no'), { code }));
    await turn();
  }
}

function open(): { file: GatedFile; appended: AppendFile; changes: number[] } {
  const file = new GatedFile();
  const changes: number[] = [];
  const appended: AppendFile = new AppendFile(file, () => changes.push(appended.writtenBytes));
  return { file, appended, changes };
}

describe('pieces', () => {
  it('are written at the next turn, and what comes meanwhile in one write after that', async () => {
    const { file, appended, changes } = open();
    void appended.append(Buffer.from('ab'));
    void appended.append(Buffer.from('c'));
    expect(file.writes).toEqual([]);
    await turn();
    expect(file.writes).toEqual([{ pieces: 2, sizeBytes: 3, position: 0 }]);
    for (const letter of ['d', 'e', 'f']) void appended.append(Buffer.from(letter));
    await turn();
    expect(file.inFlight).toBe(1);
    expect(appended.writtenBytes).toBe(0);
    await file.let();
    expect(changes).toEqual([3]);
    expect(file.writes[1]).toEqual({ pieces: 3, sizeBytes: 3, position: 3 });
    await file.let();
    expect(changes).toEqual([3, 6]);
    expect(file.content.toString()).toBe('abcdef');
    expect(appended.givenBytes).toBe(6);
  });

  it('go into writes of 1 MiB at most', async () => {
    const { file, appended } = open();
    const sizes = [MIB / 2, MIB / 2, 1, 2 * MIB, 5];
    for (const size of sizes) void appended.append(Buffer.alloc(size));
    await turn();
    for (let index = 0; index < 4; index += 1) await file.let();
    expect(file.writes.map((write) => write.sizeBytes)).toEqual([MIB, 1, 2 * MIB, 5]);
  });

  it('go into writes of 1024 pieces at most', async () => {
    const { file, appended } = open();
    for (let index = 0; index < 1500; index += 1) void appended.append(Buffer.from('x'));
    await turn();
    await file.let();
    await file.let();
    expect(file.writes.map((write) => write.pieces)).toEqual([1024, 476]);
  });

  it('that are empty are no write', async () => {
    const { file, appended } = open();
    expect(appended.append(Buffer.alloc(0))).toBeUndefined();
    await appended.flush();
    await turn();
    expect(file.writes).toEqual([]);
  });

  it('arrive whole and in order however short the writes are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 8 })),
        async (pieces, lengths) => {
          const { file, appended } = open();
          for (const piece of pieces) void appended.append(Buffer.from(piece));
          const flushed = appended.flush();
          await turn();
          while (file.inFlight > 0) await file.let(lengths.next().value);
          await flushed;
          expect(file.content).toEqual(Buffer.concat(pieces));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('the caller', () => {
  it('is asked to pause above 4 MiB unwritten and goes on at 2 MiB', async () => {
    const { file, appended } = open();
    for (let index = 0; index < 4; index += 1) expect(appended.append(Buffer.alloc(MIB))).toBeUndefined();
    const room = appended.append(Buffer.alloc(1));
    expect(room).toBeInstanceOf(Promise);
    let resumed = false;
    const going = room?.then(() => {
      resumed = true;
    });
    await turn();
    await file.let();
    await file.let();
    expect(resumed).toBe(false);
    await file.let();
    expect(resumed).toBe(true);
    await going;
    expect(appended.append(Buffer.alloc(1))).toBeUndefined();
  });

  it('waits in flush for what was given before it, not for what comes after', async () => {
    const { file, appended } = open();
    void appended.append(Buffer.from('a'));
    let flushed = false;
    const flushing = appended.flush().then(() => {
      flushed = true;
    });
    await turn();
    void appended.append(Buffer.from('b'));
    expect(flushed).toBe(false);
    await file.let();
    expect(flushed).toBe(true);
    await flushing;
    const later = appended.flush();
    await file.let();
    await later;
    await appended.flush();
  });
});

describe('a failed write', () => {
  it('fails every waiter, every later call, and tells its owner', async () => {
    const { file, appended, changes } = open();
    const waiting = [appended.append(Buffer.alloc(5 * MIB)), appended.flush()].map((promise) =>
      expect(promise).rejects.toMatchObject({ name: 'StoreWriteError', code: 'ENOSPC' }),
    );
    await turn();
    await file.fail('ENOSPC');
    await Promise.all(waiting);
    expect(changes).toEqual([0]);
    expect(appended.failure).toBeInstanceOf(StoreWriteError);
    await expect(appended.append(Buffer.from('x'))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(appended.flush()).rejects.toMatchObject({ code: 'ENOSPC' });
    await turn();
    expect(file.writes).toHaveLength(1);
  });

  it('that takes nothing is one too', async () => {
    const { file, appended } = open();
    void appended.append(Buffer.from('x'));
    const flushing = Promise.allSettled([appended.flush()]);
    await turn();
    await file.let(0);
    expect(await flushing).toMatchObject([{ status: 'rejected', reason: { code: 'EIO' } }]);
  });
});

it('stops after the write in flight, dropping the rest', async () => {
  const { file, appended } = open();
  void appended.append(Buffer.alloc(MIB));
  void appended.append(Buffer.from('dropped'));
  const flushing = Promise.allSettled([appended.flush()]);
  await turn();
  let stopped = false;
  const stopping = appended.stop(new Error('enough')).then(() => {
    stopped = true;
  });
  await turn();
  expect(stopped).toBe(false);
  await file.let();
  await stopping;
  expect(await flushing).toMatchObject([{ status: 'rejected', reason: { message: 'enough' } }]);
  expect(file.writes).toHaveLength(1);
  expect(appended.writtenBytes).toBe(MIB);
  await appended.stop(new Error('again'));
  expect(appended.failure?.message).toBe('enough');
});
