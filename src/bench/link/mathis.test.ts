import { expect, it } from 'vitest';
import { shapeOf } from './link-options.ts';
import { mathisBitsPerSecond } from './mathis.ts';

const LINK = { to: { host: '127.0.0.1', port: 1 }, roundTripMs: 200, rateBitsPerSecond: 100e6 };

it.each([
  [1460, 200, 0.01, 715_251],
  [1460, 200, 0.0001, 7_152_510],
  [1460, 20, 0.01, 7_152_510],
  [536, 100, 0.0225, 350_114],
])(
  'bounds a connection of %i byte segments over %i ms that loses %f',
  (mssBytes, roundTripMs, lossRatio, bits) => {
    expect(mathisBitsPerSecond({ mssBytes, roundTripMs, lossRatio })).toBeCloseTo(bits, -1);
  },
);

it('bounds nothing where nothing is lost, or where there is no way to go', () => {
  expect(mathisBitsPerSecond({ mssBytes: 1460, roundTripMs: 200, lossRatio: 0 })).toBe(Infinity);
  expect(mathisBitsPerSecond({ mssBytes: 1460, roundTripMs: 0, lossRatio: 0.1 })).toBe(Infinity);
});

it('takes the lowest of all ceilings for one connection', () => {
  expect(shapeOf(LINK).ceilingBitsPerSecond).toBe(100e6);
  expect(shapeOf({ ...LINK, connectionRateBitsPerSecond: 5e6 }).ceilingBitsPerSecond).toBe(5e6);
  const lossy = { ...LINK, lossRatio: 0.01, connectionRateBitsPerSecond: 5e6 };
  expect(shapeOf(lossy).ceilingBitsPerSecond).toBeCloseTo(715_251, -1);
});

it.each([
  { roundTripMs: -1 },
  { roundTripMs: NaN },
  { rateBitsPerSecond: 0 },
  { lossRatio: 1 },
  { jitterMs: Infinity },
  { mss: 0.5 },
  { connectionRateBitsPerSecond: 0 },
])('refuses %o', (wrong) => {
  expect(() => shapeOf({ ...LINK, ...wrong })).toThrow(RangeError);
});
