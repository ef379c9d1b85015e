import { expect, it } from 'vitest';
import { SlowStart } from './slow-start.ts';

const SEGMENT = 1000;

function slowStart(ceilingBitsPerSecond = 100e6): SlowStart {
  return new SlowStart({ mssBytes: SEGMENT, roundTripMs: 100, ceilingBitsPerSecond });
}

/** Sends all that may go at a moment. */
function pour(window: SlowStart, nowMs: number): number {
  const bytes = window.allowedBytes(nowMs);
  if (bytes > 0) window.sent(bytes, nowMs);
  return bytes / SEGMENT;
}

it('doubles what goes in a round trip until it reaches the ceiling', () => {
  const window = slowStart();
  expect([0, 1, 99, 100, 150, 200].map((nowMs) => pour(window, nowMs))).toEqual([10, 0, 0, 20, 0, 40]);
  expect(window.readyAtMs(250)).toBe(300);
  expect([300, 400, 500, 600].map((nowMs) => pour(window, nowMs))).toEqual([80, 160, 320, 640]);
  // A ceiling of 100 Mbit/s is 1250 segments in 100 ms.
  expect(window.allowedBytes(700)).toBe(Infinity);
});

it('grows only by what was sent', () => {
  const window = slowStart();
  window.sent(2 * SEGMENT, 0);
  expect(window.allowedBytes(100)).toBe(12 * SEGMENT);
});

it('begins again after a second of silence, and not before', () => {
  const window = slowStart();
  for (const nowMs of [0, 100, 200]) pour(window, nowMs);
  expect(window.allowedBytes(1300)).toBe(80 * SEGMENT);
  expect(window.allowedBytes(1301)).toBe(10 * SEGMENT);
});

it('has nothing to do where ten segments a round trip are enough', () => {
  expect(slowStart(800_000).allowedBytes(0)).toBe(Infinity);
});
