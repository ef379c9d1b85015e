import { expect, test } from 'vitest';
import type { PullSample, RequestSample } from './result.ts';
import { toldTraffic } from './told-traffic.ts';

type Outcome = RequestSample['hops'][number]['outcome'];

function pull(...requests: (readonly [bytes: number, ...outcomes: Outcome[]])[]): PullSample {
  return {
    round: 1,
    image: 'a:b',
    held: 'unknown',
    error: undefined,
    manifestMs: 1,
    firstByteMs: 1,
    imageMs: 1,
    bytes: 1,
    requests: requests.map(([bytes, ...outcomes]) => ({
      what: 'layer 1',
      startMs: 0,
      firstByteMs: 0,
      endMs: 0,
      bytes,
      newConnection: false,
      hops: outcomes.map((outcome, index) => ({ hop: `hop ${index}`, outcome, waitedMs: undefined })),
    })),
  };
}

test('a server was asked for what the one before it has forwarded', () => {
  const pulls = [
    pull([100, 'miss', 'miss'], [10, 'miss', 'hit'], [1, 'hit']),
    pull([1000, 'revalidated', 'revalidated'], [100, 'joined']),
    { ...pull([5, 'miss', 'miss']), error: 'it broke' },
  ];
  expect(toldTraffic(pulls, ['china', 'asia'])).toEqual([
    { server: 'china', requests: 5, bytes: 1211 },
    { server: 'asia', requests: 3, bytes: 110 },
    { server: 'origin', requests: 2, bytes: 100 },
  ]);
});

test('where answers say nothing, nothing is known', () => {
  expect(toldTraffic([pull([100]), pull([1])], ['china'])).toEqual([]);
});
