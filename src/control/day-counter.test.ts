import { expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { openTestStore } from '../../fixtures/test-store.ts';
import { DayCounter, tallyDays } from './day-counter.ts';

test('counts outlive the daemon, by day and namespace', async () => {
  await using disk = await openTestStore();
  {
    await using counter = new DayCounter(disk.store.figures, disk.clock);
    counter.add('docker.io', 'hit', 2);
    counter.add('docker.io', 'miss', 1);
    counter.add('docker.io', 'to-clients-bytes', 500);
    counter.add('ghcr.io', 'prefetched', 1);
    await disk.clock.advance(86_400_000);
    counter.add('docker.io', 'hit', 1);
    counter.add('docker.io', 'from-upstream-bytes', 90);
  }
  await disk.reopen();
  await using counter = new DayCounter(disk.store.figures, disk.clock);
  counter.add('docker.io', 'hit', 1);
  const days = await counter.read(2);
  expect(days.map(({ day, namespace, reads }) => [day, namespace, reads])).toEqual([
    ['2026-01-01', 'docker.io', 3],
    ['2026-01-01', 'ghcr.io', 1],
    ['2026-01-02', 'docker.io', 2],
  ]);
  expect(days[0]).toMatchObject({ outcomes: { hit: 2, miss: 1 }, toClientsBytes: 500, fromUpstreamBytes: 0 });
  expect(days[2]).toMatchObject({ outcomes: { hit: 2 }, fromUpstreamBytes: 90 });
  await expect(counter.read(1)).resolves.toHaveLength(1);
});

test('what was counted is handed over within ten seconds, so that a crash loses no more', async () => {
  const clock = new ManualClock();
  const kept: unknown[] = [];
  const store = { count: (figure: unknown) => kept.push(figure), days: () => Promise.resolve([]) };
  await using counter = new DayCounter(store, clock);
  counter.add('docker.io', 'hit', 2);
  counter.add('docker.io', 'hit', 1);
  expect(kept).toEqual([]);
  await clock.advance(10_000);
  expect(kept).toEqual([{ day: '2026-01-01', namespace: 'docker.io', measure: 'hit', amount: 3 }]);
});

test('a figure of another version is passed over', () => {
  const figure = { day: '2026-01-01', namespace: 'docker.io', amount: 1 };
  const tallies = tallyDays([
    { ...figure, measure: 'hit' },
    { ...figure, measure: 'guessed' },
    { ...figure, measure: 'toString' },
  ]);
  expect(tallies).toMatchObject([{ reads: 1, outcomes: { hit: 1 } }]);
});
