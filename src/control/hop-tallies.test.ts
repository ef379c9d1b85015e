import { expect, test } from 'vitest';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import type { UpstreamAnswerEvent } from '../telemetry/event.ts';
import { HopTallies } from './hop-tallies.ts';

function answer(more: Partial<UpstreamAnswerEvent>): UpstreamAnswerEvent {
  return {
    kind: 'upstream-answer',
    namespace: 'docker.io',
    upstream: 'asia:5000',
    lane: 'talk',
    result: 'answered',
    waitMs: 1,
    via: undefined,
    ...more,
  };
}

test('answers and failures are counted for five minutes, by namespace and hop', async () => {
  const clock = new ManualClock();
  const hops = new HopTallies(clock);
  hops.note(answer({}));
  hops.note(answer({ result: 'connect' }));
  hops.note(answer({ namespace: 'ghcr.io' }));
  hops.note(answer({ result: 'avoided' }));
  await clock.advance(200_000);
  hops.note(answer({ result: 'timeout' }));
  expect(hops.read('docker.io', 'asia:5000')).toEqual({ requests: 3, failures: 2, behind: undefined });
  expect(hops.read('ghcr.io', 'asia:5000')).toEqual({ requests: 1, failures: 0, behind: undefined });
  expect(hops.read('ghcr.io', 'elsewhere')).toEqual({ requests: 0, failures: 0, behind: undefined });
  await clock.advance(110_000);
  expect(hops.read('docker.io', 'asia:5000')).toMatchObject({ requests: 1, failures: 1 });
  await clock.advance(300_000);
  expect(hops.read('docker.io', 'asia:5000')).toMatchObject({ requests: 0, failures: 0 });
});

test('the hops behind one are those that it last named, the nearest first', () => {
  const hops = new HopTallies(new ManualClock());
  hops.note(answer({ via: '1.1 asia:5000 (b2)' }));
  expect(hops.read('docker.io', 'asia:5000').behind).toEqual([]);
  hops.note(answer({ via: '1.1 europe (a1), 1.1 asia:5000 (b2)' }));
  hops.note(answer({ via: undefined }));
  expect(hops.read('docker.io', 'asia:5000').behind).toEqual(['europe']);
  hops.note(answer({ via: '1.1 us (c3), 1.1 europe (a1), 1.1 asia:5000 (b2)' }));
  expect(hops.read('docker.io', 'asia:5000').behind).toEqual(['europe', 'us']);
});
