import { expect, it } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { RateMeter } from './rate-meter.ts';

it('counts what happened in the last five seconds, and forgets what is older', async () => {
  const clock = new ManualClock();
  const meter = new RateMeter(clock);
  meter.add(300);
  expect(meter.perSecond).toBe(300);
  await clock.advance(3_000);
  expect(meter.perSecond).toBe(100);
  meter.add(500);
  await clock.advance(5_000);
  expect(meter.perSecond).toBe(100);
  await clock.advance(1_000);
  expect(meter.perSecond).toBe(0);
  await clock.advance(3_600_000);
  meter.add(50);
  expect(meter.perSecond).toBe(10);
});
