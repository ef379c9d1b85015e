import { expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { TallyRing } from './tally-ring.ts';

test('what is older than the ring is forgotten, stretch by stretch', async () => {
  const clock = new ManualClock();
  const ring = new TallyRing(clock, 1_000, 3);
  ring.current.reads += 1;
  ring.current.outcomes.hit += 1;
  await clock.advance(1_000);
  ring.current.reads += 10;
  await clock.advance(1_000);
  ring.current.reads += 100;
  ring.current.toClientsBytes += 7;
  expect(ring.all.map(({ reads }) => reads)).toEqual([1, 10, 100]);
  expect(ring.sum()).toMatchObject({ reads: 111, toClientsBytes: 7, outcomes: { hit: 1, miss: 0 } });
  expect(ring.sum(2)).toMatchObject({ reads: 110, outcomes: { hit: 0 } });
  await clock.advance(1_000);
  expect(ring.all.map(({ reads }) => reads)).toEqual([10, 100, 0]);
  await clock.advance(3_600_000);
  expect(ring.all.map(({ reads }) => reads)).toEqual([0, 0, 0]);
});

test('before it is full, it holds no time before its beginning', async () => {
  const clock = new ManualClock();
  const ring = new TallyRing(clock, 1_000, 3);
  await clock.advance(1_500);
  expect(ring.all).toHaveLength(2);
});
