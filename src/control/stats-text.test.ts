import { expect, test } from 'vitest';
import type { DayTally } from './snapshot.ts';
import { statsText } from './stats-text.ts';

function tally(day: string, namespace: string, hit: number, miss: number, bytes: [number, number]): DayTally {
  const none = { prefetched: 0, joined: 0, revalidated: 0, stale: 0, bypass: 0 };
  const [toClientsBytes, fromUpstreamBytes] = bytes;
  return {
    day,
    namespace,
    reads: hit + miss,
    outcomes: { ...none, hit, miss },
    toClientsBytes,
    fromUpstreamBytes,
  };
}

const options = { megabytes: (bytes: number): string => `${bytes} B`, colour: false };

test('each day has its line and its bar, days without a pull too; then all together, then each namespace', () => {
  const days = ['2026-11-20', '2026-11-21', '2026-11-22'];
  const tallies = [
    tally('2026-11-20', 'docker.io', 900, 100, [500, 100]),
    tally('2026-11-22', 'docker.io', 12_000, 0, [1_000, 0]),
    tally('2026-11-22', 'ghcr.io', 1, 3, [10, 20]),
  ];
  expect(statsText(tallies, { ...options, days })).toMatchInlineSnapshot(`
    "             reads    hits  by requests                        by bytes  to clients  from upstream
    2026-11-20   1 000     900       90.0 %  ██████████████████      80.0 %       500 B          100 B
    2026-11-21       0       0            –                               –         0 B            0 B
    2026-11-22  12 004  12 001      100.0 %  ████████████████████    98.0 %      1010 B           20 B

    together    13 004  12 901       99.2 %  ███████████████████▉    92.1 %      1510 B          120 B

    docker.io   13 000  12 900       99.2 %  ███████████████████▉    93.3 %      1500 B          100 B
    ghcr.io          4       1       25.0 %  █████                 -100.0 %        10 B           20 B
    "
  `);
});

test('one namespace is not told twice', () => {
  const text = statsText([tally('2026-11-20', 'docker.io', 1, 1, [2, 1])], {
    ...options,
    days: ['2026-11-20'],
  });
  expect(text).not.toContain('docker.io');
  expect(text).toMatch(/^together +2 +1 +50\.0 % +█{10} +50\.0 % +2 B +1 B$/m);
});

test('a namespace steers no terminal, and more hits than reads make no endless bar', () => {
  const tallies = ['a\u001B[2J', 'b\u009B2J\u202E'].map((namespace) => ({
    ...tally('2026-11-20', namespace, 1, 0, [1, 0]),
    reads: 1e-12,
  }));
  const days = ['2026-11-20'];
  const text = statsText(tallies, { days, megabytes: String, colour: false });
  expect(text).toMatch(/^a\?\[2J .*\nb\?2J\? /m);
  expect(text).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(text).not.toContain('█'.repeat(21));
});
