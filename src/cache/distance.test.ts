import { expect, it } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { Distance } from './distance.ts';

const UNTIL = new AbortController().signal;

/** What a hop that first answered after `roundTripMs` turns out to be, whose later answers take what is given. */
async function judge(
  roundTripMs: number,
  later: readonly number[],
): Promise<{ isFar: boolean | undefined; measures: number; roundTripMs: number }> {
  const clock = new ManualClock();
  let measures = 0;
  const measureMs = async (): Promise<number> => {
    const waitMs = later[measures] ?? 0;
    measures += 1;
    await clock.sleep(waitMs, UNTIL);
    return waitMs;
  };
  const distance = new Distance({ roundTripMs, measureMs }, clock);
  if (distance.isFar === undefined) {
    distance.measure(UNTIL);
    distance.measure(UNTIL);
    await clock.advance(10_000);
  }
  return { isFar: distance.isFar, measures, roundTripMs: distance.roundTripMs };
}

it('takes a hop that answers at once for a near one, and asks nothing', async () => {
  expect(await judge(19, [])).toEqual({ isFar: false, measures: 0, roundTripMs: 19 });
});

it('asks a hop that is far away once', async () => {
  expect(await judge(200, [201])).toEqual({ isFar: true, measures: 1, roundTripMs: 200 });
});

it('takes a hop that was only busy for a near one', async () => {
  expect(await judge(90, [60, 5])).toEqual({ isFar: false, measures: 2, roundTripMs: 5 });
});

it('asks three times at most', async () => {
  expect(await judge(25, [30, 22, 40, 1])).toEqual({ isFar: true, measures: 3, roundTripMs: 22 });
});
