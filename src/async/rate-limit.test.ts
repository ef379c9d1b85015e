import { expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { RateLimit } from './rate-limit.ts';

const { signal } = new AbortController();

test('a short burst costs no wait', () => {
  const limit = new RateLimit(1_000_000, new ManualClock());
  expect(limit.take(250_000, signal)).toBeUndefined();
});

test('more than the burst waits until its share of time has passed', async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(1_000_000, clock);
  expect(limit.take(250_000, signal)).toBeUndefined();
  let done = false;
  void limit.take(500_000, signal)?.then(() => (done = true));
  await clock.advance(499);
  expect(done).toBe(false);
  await clock.advance(1);
  expect(done).toBe(true);
});

test('all who take share one rate', async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(1000, clock);
  const ends: number[] = [];
  for (let taker = 0; taker < 3; taker += 1) {
    void limit.take(1000, signal)?.then(() => ends.push(clock.monotonic()));
  }
  await clock.advance(5000);
  expect(ends).toEqual([750, 1750, 2750]);
});

test('time that nobody used is not saved up beyond the burst', async () => {
  const clock = new ManualClock();
  const limit = new RateLimit(1000, clock);
  void limit.take(250, signal);
  await clock.advance(60_000);
  expect(limit.take(250, signal)).toBeUndefined();
  expect(limit.take(1, signal)).toBeInstanceOf(Promise);
});

test('a taker that leaves stops waiting', async () => {
  const limit = new RateLimit(1, new ManualClock());
  const leaving = new AbortController();
  const wait = limit.take(1000, leaving.signal);
  leaving.abort(new Error('left'));
  await expect(wait).rejects.toThrow('left');
});
