import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairLink } from './fair-link.ts';
import { type LinkOptions, shapeOf } from './link-options.ts';
import { Passage, type PassageEnd } from './passage.ts';

interface Arrival {
  readonly atMs: number;
  readonly bytes: Buffer;
  readonly end: PassageEnd | undefined;
}

/** A passage on a link of its own, in a time that the test moves. */
class Way {
  readonly passage: Passage;
  readonly arrivals: Arrival[] = [];
  backlogBytes = 0;
  nowMs = 0;
  readonly #lane: FairLink;

  constructor(options: Partial<LinkOptions> = {}, opensAtMs = 0, stream = 1) {
    const to = { host: '127.0.0.1', port: 1 };
    const shape = shapeOf({ to, roundTripMs: 100, rateBitsPerSecond: 8e9, slowStart: false, ...options });
    this.passage = new Passage({ shape, stream, opensAtMs, backlogBytes: () => this.backlogBytes });
    this.#lane = new FairLink(shape.linkBitsPerSecond, shape.mssBytes);
    this.#lane.add(this.passage);
  }

  /** Lets everything happen that happens by then. */
  runUntil(untilMs: number): this {
    for (let nextMs = this.nowMs; nextMs <= untilMs;) {
      this.nowMs = nextMs;
      const releaseMs = this.#lane.release(nextMs);
      const { pieces, end } = this.passage.take(nextMs);
      if (pieces.length > 0 || end !== undefined) {
        this.arrivals.push({ atMs: nextMs, bytes: Buffer.concat(pieces), end });
      }
      nextMs = Math.max(nextMs, Math.min(releaseMs, this.passage.nextDueMs));
    }
    this.nowMs = untilMs;
    return this;
  }

  push(text: string | Buffer): this {
    this.passage.push(Buffer.from(text), this.nowMs);
    return this;
  }

  /** Pushes as a socket does that always has more. */
  pour(untilMs: number): this {
    for (let nowMs = this.nowMs; nowMs <= untilMs; nowMs += 1) {
      this.runUntil(nowMs);
      while (!this.passage.isFull) this.push(Buffer.alloc(16 * 1024));
    }
    return this.runUntil(untilMs);
  }

  get text(): string {
    return Buffer.concat(this.arrivals.map(({ bytes }) => bytes)).toString();
  }
}

describe('Passage', () => {
  it('delivers half a round trip later, exactly', () => {
    const way = new Way().push('a').runUntil(20).push('b').runUntil(1000);
    expect(way.arrivals.map(({ atMs }) => Math.round(atMs * 100) / 100)).toEqual([50, 70]);
    expect(way.text).toBe('ab');
  });

  it('answers on a new connection after two round trips, on a kept one after one more', () => {
    const [request, answer] = [new Way({}, 100), new Way({}, 150)];
    request.push('?').runUntil(150.01);
    expect(request.text).toBe('?');
    expect(request.arrivals[0]?.atMs).toBeCloseTo(150, 3);
    answer.runUntil(150).push('!').runUntil(250);
    expect(answer.arrivals[0]?.atMs).toBeCloseTo(200, 3);
    request.runUntil(200).push('?').runUntil(250.01);
    expect(request.arrivals[1]?.atMs).toBeCloseTo(250, 3);
    answer.push('!').runUntil(400);
    expect(answer.arrivals[1]?.atMs).toBeCloseTo(300, 3);
  });

  it('takes the time that its bytes need at the rate of the link', () => {
    const way = new Way({ rateBitsPerSecond: 8e6 }).push(Buffer.alloc(50_000)).runUntil(1000);
    expect(way.arrivals.at(-1)?.atMs).toBeCloseTo(100, 3);
  });

  it.each([
    ['of the link', { rateBitsPerSecond: 8e6 }, 1000],
    ['of one connection', { connectionRateBitsPerSecond: 4e6 }, 500],
    ['that its losses leave', { lossRatio: 0.01, roundTripMs: 200 }, 89.4],
  ])('keeps to the rate %s', (_what, options: Partial<LinkOptions>, bytesPerMs) => {
    const way = new Way(options).pour(4000);
    const oneWayMs = (options.roundTripMs ?? 100) / 2;
    const measured = way.passage.deliveredBytes / (4000 - oneWayMs);
    expect(measured / bytesPerMs).toBeGreaterThan(0.99);
    expect(measured / bytesPerMs).toBeLessThan(1.01);
  });

  it('loses no rate to a timer that is late', () => {
    const way = new Way({ rateBitsPerSecond: 80e6 });
    for (let nowMs = 0; nowMs <= 5000; nowMs += 7.3) {
      way.nowMs = nowMs;
      way.runUntil(nowMs);
      while (!way.passage.isFull) way.push(Buffer.alloc(64 * 1024)).runUntil(nowMs);
    }
    const measured = way.passage.deliveredBytes / (5000 - 50);
    expect(measured).toBeGreaterThan(9900);
    expect(measured).toBeLessThan(10_100);
  });

  it('takes nothing for late that comes by itself after a full buffer', () => {
    const way = new Way({ rateBitsPerSecond: 80e6 }).push(Buffer.alloc(64 * 1024)).runUntil(500);
    way.passage.letGo();
    way.push('later').runUntil(1000);
    expect(way.arrivals.at(-1)?.atMs).toBeCloseTo(550, 2);
  });

  it('feels its way up where slow start is on', () => {
    const way = new Way({ slowStart: true, mss: 1000, rateBitsPerSecond: 800e6 }).push(Buffer.alloc(60_000));
    way.runUntil(1000);
    const rounds = [50, 150, 250].map((fromMs) =>
      way.arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 100),
    );
    const sizes = rounds.map((round) => round.reduce((total, { bytes }) => total + bytes.length, 0));
    expect(sizes).toEqual([10_000, 20_000, 30_000]);
  });

  it('stops a sender whose receiver does not read, and lets it go on', () => {
    const way = new Way({ rateBitsPerSecond: 80e6 });
    way.backlogBytes = Infinity;
    way.pour(2000);
    expect(way.passage.isFull).toBe(true);
    expect(way.passage.deliveredBytes).toBe(0);
    expect(way.passage.heldBytes).toBeLessThanOrEqual(80 * 1024);
    way.backlogBytes = 0;
    way.pour(3000);
    // What it could not send for want of a reader it does not catch up with.
    expect(way.passage.deliveredBytes).toBeLessThanOrEqual(950 * 10_000 + 16 * 1024);
    expect(way.passage.deliveredBytes).toBeGreaterThan(940 * 10_000);
  });

  it('never holds more than a bandwidth-delay product, 4 ms and two buffers', () => {
    const way = new Way({ rateBitsPerSecond: 80e6 });
    let most = 0;
    for (let nowMs = 0; nowMs < 1000; nowMs += 50) {
      way.pour(nowMs);
      most = Math.max(most, way.passage.heldBytes);
    }
    expect(most).toBeLessThanOrEqual(104 * 10_000 + 2 * 64 * 1024 + 2 * 16 * 1024);
  });

  it('ends behind its last byte', () => {
    const way = new Way({ rateBitsPerSecond: 8e6 }).push(Buffer.alloc(10_000));
    way.passage.finish('fin', 0);
    way.push('too late').runUntil(1000);
    expect(way.arrivals.at(-1)).toMatchObject({ end: 'fin' });
    expect(way.arrivals.at(-1)?.atMs).toBeCloseTo(60, 3);
    expect(way.text).toHaveLength(10_000);
  });

  it('passes a reset on behind what has departed, and forgets the rest', () => {
    const way = new Way({ rateBitsPerSecond: 8e6 }).push(Buffer.alloc(64 * 1024)).runUntil(20);
    way.passage.finish('reset', 20);
    way.runUntil(1000);
    expect(way.arrivals.at(-1)).toMatchObject({ end: 'reset' });
    expect(way.arrivals.at(-1)?.atMs).toBeGreaterThanOrEqual(70);
    expect(way.text.length).toBeGreaterThanOrEqual(20_000);
    expect(way.text.length).toBeLessThanOrEqual(22_000);
  });

  it('swallows what it has and what comes once it is dead, its end too', () => {
    const way = new Way().push('on its way').runUntil(10);
    way.passage.die();
    way.push('more');
    way.passage.finish('fin', 10);
    way.runUntil(1000);
    expect(way.arrivals).toEqual([]);
    expect(way.passage.nextDueMs).toBe(Infinity);
    expect(way.passage.hasRoom).toBe(true);
  });

  it('brings every byte once and in order, whatever the link', () => {
    const options = record({
      roundTripMs: constantFrom(0, 1, 100),
      rateBitsPerSecond: constantFrom(1e5, 1e7, 1e9),
      jitterMs: constantFrom(0, 40),
      lossRatio: constantFrom(0, 0.01),
      slowStart: constantFrom(true, false),
    });
    const pieces = array(
      record({ size: integer({ min: 1, max: 3000 }), pauseMs: integer({ min: 0, max: 30 }) }),
      {
        maxLength: 20,
      },
    );
    assert(
      property(options, pieces, (shape, pushed) => {
        const way = new Way(shape);
        const sent = pushed.map(({ size, pauseMs }, index) => {
          const piece = Buffer.alloc(size, index + 1);
          way.runUntil(way.nowMs + pauseMs).push(piece);
          return piece;
        });
        way.passage.finish('fin', way.nowMs);
        way.runUntil(way.nowMs + 60_000);
        expect(Buffer.concat(way.arrivals.map(({ bytes }) => bytes))).toEqual(Buffer.concat(sent));
        expect(way.arrivals.at(-1)?.end).toBe('fin');
      }),
      { numRuns: 60 },
    );
  });
});

describe('jitter', () => {
  function waysMs(seed: number, stream = 1): readonly number[] {
    const way = new Way({ jitterMs: 30, seed }, 0, stream);
    const sentMs: number[] = [];
    for (let index = 0; index < 200; index += 1) {
      sentMs.push(way.nowMs);
      way.push('message').runUntil(way.nowMs + 100);
    }
    return way.arrivals.map(({ atMs }, index) => atMs - (sentMs[index] ?? 0));
  }

  it('adds something from nothing to all of it', () => {
    const ways = waysMs(1);
    expect(ways).toHaveLength(200);
    expect(Math.min(...ways)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...ways)).toBeLessThanOrEqual(80.1);
    expect(ways.reduce((total, way) => total + way, 0) / 200).toBeCloseTo(65, -1);
    expect(new Set(ways.map(Math.round)).size).toBeGreaterThan(20);
  });

  it('is the same again for the same seed, and another for another seed or connection', () => {
    expect(waysMs(7)).toEqual(waysMs(7));
    expect(waysMs(7)).not.toEqual(waysMs(8));
    expect(waysMs(7, 1)).not.toEqual(waysMs(7, 2));
  });
});
