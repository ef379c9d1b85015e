import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.ts';

describe('BufferPool', () => {
  it('gives first buffers always, and further ones while the budget allows', () => {
    const pool = new BufferPool(300);
    pool.take(200);
    pool.take(200);
    expect(pool.tryTake(1)).toBeUndefined();
    const small = new BufferPool(300);
    small.take(200);
    expect(small.tryTake(101)).toBeUndefined();
    expect(small.tryTake(100)).toHaveLength(100);
  });

  it('uses a buffer again that was given back, for the same size only', () => {
    const pool = new BufferPool(1000);
    const buffer = pool.take(100);
    pool.give(buffer);
    expect(pool.take(50)).not.toBe(buffer);
    expect(pool.take(100)).toBe(buffer);
    expect(pool.take(100)).not.toBe(buffer);
  });

  it('counts what is given back or dropped as free, and never uses a dropped buffer again', () => {
    const pool = new BufferPool(400);
    const given = pool.take(100);
    const dropped = pool.take(300);
    expect(pool.tryTake(1)).toBeUndefined();
    pool.give(given);
    pool.drop(dropped);
    const again = pool.tryTake(300);
    expect(again).toHaveLength(300);
    expect(again).not.toBe(dropped);
    expect(pool.tryTake(101)).toBeUndefined();
  });

  it('keeps a quarter of its budget for later at most', () => {
    const pool = new BufferPool(400);
    const buffers = [pool.take(60), pool.take(60)];
    for (const buffer of buffers) pool.give(buffer);
    expect(pool.take(60)).toBe(buffers[0]);
    expect(pool.take(60)).not.toBe(buffers[1]);
  });
});
