import { expect, test } from 'vitest';
import { type FarShape, FarSender, pattern } from '../../fixtures/far-sender.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { RangeSupport } from './range-support.ts';
import { RangedReceive, type RangeSettings } from './ranged-receive.ts';

/** 40 s over one connection; the way is 100 ms there and back. */
const FAR: FarShape = { sizeBytes: 4_000_000, roundTripMs: 100, bytesPerMs: 100 };
const SETTINGS: RangeSettings = { connections: 4, minSizeBytes: 1_000_000, windowBytes: 200_000 };

interface Stage {
  readonly sender: FarSender;
  readonly support: RangeSupport;
  readonly receive: RangedReceive;
  readonly work: Promise<void>;
  /** What has been written, where it belongs. */
  readonly written: Buffer;
  readonly wanted: number[];
  readonly resumed: number[];
  readonly clock: ManualClock;
  /** Lets time go on until all has come. @returns how long that took, in milliseconds */
  comes(mostMs?: number): Promise<number>;
}

interface Deviation {
  readonly far?: Partial<FarShape>;
  readonly settings?: Partial<RangeSettings>;
  /** What the disk says to a piece, by where it begins. */
  readonly disk?: (atBytes: number) => Promise<void> | undefined;
  readonly support?: (support: RangeSupport) => void;
}

function begin({ far, settings, disk, support: told }: Deviation = {}): Stage {
  const clock = new ManualClock();
  const shape = { ...FAR, ...far };
  const sender = new FarSender(shape, clock);
  const support = new RangeSupport(clock);
  told?.(support);
  const written = Buffer.alloc(shape.sizeBytes, 255);
  const [wanted, resumed]: [number[], number[]] = [[], []];
  const receive = new RangedReceive({
    first: sender.answer(),
    sizeBytes: shape.sizeBytes,
    open: async (part, signal) => sender.ask(part, signal),
    openPart: (startBytes) => {
      let atBytes = startBytes;
      return (chunk) => {
        const from = atBytes;
        atBytes += chunk.copy(written, atBytes);
        return disk?.(from);
      };
    },
    wanted: () => wanted,
    onResume: (offsetBytes) => resumed.push(offsetBytes),
    settings: { ...SETTINGS, ...settings },
    support,
    clock,
    signal: new AbortController().signal,
  });
  const work = receive.run();
  work.catch(() => undefined);
  return {
    sender,
    support,
    receive,
    work,
    written,
    wanted,
    resumed,
    clock,
    comes: async (mostMs = 120_000) => {
      expect(await sender.until(work, mostMs)).toBe(true);
      await work;
      expect(written.equals(pattern(0, shape.sizeBytes))).toBe(true);
      return clock.monotonic();
    },
  };
}

test('a far, slow blob comes over four connections in little more than a quarter of the time', async () => {
  const { sender, receive, support, comes } = begin();
  const tookMs = await comes();
  expect(tookMs).toBeLessThan(40_000 / 3.5);
  expect(receive.connections).toBe(4);
  expect(new Set(sender.asked).size).toBe(sender.asked.length);
  expect(sender.open).toBe(0);
  expect(support.allows('far.test')).toBe(true);
});

test('it is asked after one and a half round trips how far it is, and decided then', async () => {
  const { sender, work } = begin();
  await sender.until(work, 140);
  expect(sender.measured).toBe(0);
  await sender.until(work, 30);
  expect(sender.measured).toBe(1);
  expect(sender.asked).toEqual([]);
  await sender.until(work, 230);
  expect(sender.asked).toHaveLength(3);
});

test.for<readonly [why: string, Deviation]>([
  ['it is near', { far: { roundTripMs: 19 } }],
  ['it only looked far', { far: { measuredMs: 19 } }],
  ['one connection is allowed', { settings: { connections: 1 } }],
  ['it is small', { settings: { minSizeBytes: FAR.sizeBytes + 1 } }],
  ['one connection is fast', { far: { sizeBytes: 40_000_000, bytesPerMs: 16_500 } }],
  ['the rest takes less than 1 s', { far: { roundTripMs: 20, sizeBytes: 1_020_000, bytesPerMs: 1_000 } }],
  [
    'the rest takes less than 8 round trips',
    { far: { roundTripMs: 1_000, sizeBytes: 1_000_000, bytesPerMs: 110 } },
  ],
  ['ranges were denied', { support: (support) => support.deny('far.test') }],
  ['the disk is slow', { disk: (atBytes) => (atBytes === 0 ? Promise.resolve() : undefined) }],
])('it comes over one connection where %s', async ([, deviation]) => {
  const { sender, receive, comes } = begin(deviation);
  await comes();
  expect(sender.asked).toEqual([]);
  expect(receive.connections).toBe(1);
});

test.for<readonly [why: string, Deviation]>([
  ['it is just far', { far: { roundTripMs: 20 } }],
  ['it is just large enough', { settings: { minSizeBytes: FAR.sizeBytes } }],
  ['one connection is not quite fast', { far: { sizeBytes: 60_000_000, bytesPerMs: 15_500 } }],
  ['the rest takes more than 1 s', { far: { roundTripMs: 20, sizeBytes: 1_120_000, bytesPerMs: 1_000 } }],
  ['another server was denied', { support: (support) => support.deny('near.test') }],
])('it comes over several connections where %s', async ([, deviation]) => {
  const { sender, receive, comes } = begin(deviation);
  await comes();
  expect(sender.asked.length).toBeGreaterThan(0);
  expect(receive.connections).toBeGreaterThan(1);
});

test('connections that bring no more together are let go, and not tried again for five minutes', async () => {
  const { sender, support, comes, work, clock } = begin({ far: { togetherBytesPerMs: 120 } });
  await sender.until(work, 1_500);
  expect(support.allows('far.test')).toBe(true);
  await sender.until(work, 2_000);
  expect(support.allows('far.test')).toBe(false);
  expect(sender.asked).toHaveLength(3);
  // The one whose window ends last takes what is left, all of it.
  await comes();
  expect(sender.asked).toHaveLength(4);
  await clock.advance(300_000);
  expect(support.allows('far.test')).toBe(true);
});

test('connections that bring half as much again are kept', async () => {
  const { receive, support, comes } = begin({ far: { togetherBytesPerMs: 150 } });
  expect(await comes()).toBeLessThan(30_000);
  expect(receive.connections).toBe(4);
  expect(support.allows('far.test')).toBe(true);
});

test('the next window is where a reader waits', async () => {
  const { sender, wanted, work, comes } = begin();
  await sender.until(work, 1_000);
  wanted.push(3_456_789);
  await sender.until(work, 4_000);
  expect(sender.asked).toContain(3_456_789);
  await comes();
});

test.for(['silent', 'unanswered'] as const)('a connection that is %s holds nobody up', async (how) => {
  const far = { sizeBytes: 1_000_000 };
  const scout = begin({ far });
  await scout.sender.until(scout.work, 500);
  const [, stalled = 0] = scout.sender.asked;
  const { sender, comes } = begin({ far });
  sender[how].add(stalled);
  // Three times the patience: nothing has come of it yet.
  expect(await comes()).toBeLessThan(12_000);
  expect(sender.open).toBe(0);
});

test('a connection that falls silent loses its rest to another one after 2 s, and is closed', async () => {
  const { sender, work, comes } = begin({ far: { sizeBytes: 1_000_000 } });
  await sender.until(work, 1_000);
  sender.hush();
  expect(await comes()).toBeLessThan(8_000);
  expect(sender.open).toBe(0);
});

test('connections that all break off go on where they were', async () => {
  const { sender, work, resumed, comes } = begin();
  await sender.until(work, 3_000);
  expect(sender.open).toBe(4);
  sender.cut();
  await comes();
  expect(resumed).toHaveLength(4);
});

test('a server that ignores ranges is denied, and the first connection brings all', async () => {
  const stage = begin();
  stage.sender.ignoresRanges = true;
  await stage.comes();
  expect(stage.support.allows('far.test')).toBe(false);
  expect(stage.sender.asked).toHaveLength(3);
  expect(stage.sender.open).toBe(0);
});

test('a disk that fails ends all connections at once, with its own error', async () => {
  const full = new Error('ENOSPC');
  const { sender, work } = begin({
    disk: (atBytes) => (atBytes > 2_000_000 ? Promise.reject(full) : undefined),
  });
  expect(await sender.until(work, 60_000)).toBe(true);
  await expect(work).rejects.toBe(full);
  expect(sender.open).toBe(0);
});
