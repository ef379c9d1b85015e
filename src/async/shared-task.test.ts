import { describe, expect, it } from 'vitest';
import { orAbort, SharedTask } from './shared-task.ts';

const REASON = new Error('left');

function unending(): AbortSignal {
  return new AbortController().signal;
}

describe('SharedTask', () => {
  it('runs once for all who ask at the same time, and says who started it', async () => {
    const task = new SharedTask<number>();
    const work = Promise.withResolvers<number>();
    let runs = 0;
    const start = (): Promise<number> => {
      runs += 1;
      return work.promise;
    };
    const asked = [task.run('a', unending(), start), task.run('a', unending(), start)];
    expect(task.size).toBe(1);
    work.resolve(7);
    expect(await Promise.all(asked)).toEqual([
      { value: 7, started: true },
      { value: 7, started: false },
    ]);
    expect([runs, task.size]).toEqual([1, 0]);
    await task.run('a', unending(), start);
    expect(runs).toBe(2);
  });

  it('keeps keys apart', async () => {
    const task = new SharedTask<string>();
    const both = await Promise.all(
      ['a', 'b'].map((key) => task.run(key, unending(), () => Promise.resolve(key))),
    );
    expect(both.map(({ value }) => value)).toEqual(['a', 'b']);
  });

  it('goes on for the others when one leaves, even the one who started it', async () => {
    const task = new SharedTask<number>();
    const work = Promise.withResolvers<number>();
    const leaving = new AbortController();
    const first = task.run('a', leaving.signal, () => work.promise);
    const second = task.run('a', unending(), () => Promise.reject(new Error('a second run')));
    leaving.abort(REASON);
    await expect(first).rejects.toBe(REASON);
    work.resolve(1);
    expect((await second).value).toBe(1);
  });

  it('fails for all, and is forgotten: the next one tries again', async () => {
    const task = new SharedTask<number>();
    const fault = new Error('no');
    const asked = [0, 1].map(() => task.run('a', unending(), () => Promise.reject(fault)));
    for (const each of asked) await expect(each).rejects.toBe(fault);
    expect((await task.run('a', unending(), () => Promise.resolve(2))).value).toBe(2);
  });

  it('starts nothing for somebody who has left already', async () => {
    const task = new SharedTask<number>();
    const asked = task.run('a', AbortSignal.abort(REASON), () => Promise.reject(new Error('it ran')));
    await expect(asked).rejects.toBe(REASON);
    expect(task.size).toBe(0);
  });
});

describe('orAbort', () => {
  it('waits for the work or the signal, whichever is first', async () => {
    expect(await orAbort(Promise.resolve(1), unending())).toBe(1);
    const controller = new AbortController();
    const waiting = orAbort(new Promise(() => undefined), controller.signal);
    controller.abort(REASON);
    await expect(waiting).rejects.toBe(REASON);
  });

  it('waits for nothing where the signal has aborted before', async () => {
    await expect(orAbort(new Promise(() => undefined), AbortSignal.abort(REASON))).rejects.toBe(REASON);
  });

  it('leaves no failure unhandled that comes after the signal', async () => {
    const work = Promise.withResolvers<never>();
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    await expect(orAbort(work.promise, AbortSignal.abort(REASON))).rejects.toBe(REASON);
    work.reject(new Error('late'));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off('unhandledRejection', listen);
    expect(unhandled).toEqual([]);
  });
});
