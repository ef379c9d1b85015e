import { expect, it } from 'vitest';
import { KeyedQueue } from './keyed-queue.ts';

it('runs tasks of one key one after another, in order', async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run('a', async () => {
    order.push('first begins');
    await gate.promise;
    order.push('first ends');
    return 1;
  });
  const second = queue.run('a', async () => Promise.resolve(order.push('second')));
  const third = queue.run('a', async () => Promise.resolve(order.push('third')));
  await queue.run('b', async () => Promise.resolve(order.push('other')));
  gate.resolve();
  expect(await first).toBe(1);
  await Promise.all([second, third]);
  expect(order).toEqual(['first begins', 'other', 'first ends', 'second', 'third']);
});

it('goes on after a task that failed', async () => {
  const queue = new KeyedQueue();
  const failing = queue.run('a', () => Promise.reject(new Error('broken')));
  const next = queue.run('a', () => Promise.resolve('fine'));
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('fine');
});

it('keeps nothing of a key whose tasks have ended', async () => {
  const queue = new KeyedQueue();
  const running = [queue.run('a', () => Promise.resolve()), queue.run('a', () => Promise.resolve())];
  expect(queue.size).toBe(1);
  await Promise.all(running);
  expect(queue.size).toBe(0);
});
