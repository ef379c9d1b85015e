import { array, assert, double, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Departure, FairLink, type Flow, quantumBytes } from './fair-link.ts';
import { Pace } from './pace.ts';

const MSS = 1460;

/** A sender with so many bytes from a moment on. */
class Sender implements Flow {
  readonly departures: Departure[] = [];
  sentBytes = 0;
  readonly #fromMs: number;
  #leftBytes: number;

  constructor(leftBytes = Infinity, fromMs = 0) {
    this.#leftBytes = leftBytes;
    this.#fromMs = fromMs;
  }

  readyAtMs(): number {
    return this.#leftBytes === 0 ? Infinity : this.#fromMs;
  }

  sendableBytes(maxBytes: number): number {
    return Math.min(maxBytes, this.#leftBytes);
  }

  send(bytes: number, departure: Departure): void {
    this.sentBytes += bytes;
    this.#leftBytes -= bytes;
    this.departures.push(departure);
  }
}

function linkOf(bitsPerSecond: number, senders: readonly Sender[]): FairLink {
  const link = new FairLink(bitsPerSecond, MSS);
  for (const sender of senders) link.add(sender);
  return link;
}

const RATE = integer({ min: 100_000, max: 1_000_000_000 });
/** How far time moves between two looks: mostly a tick, at times a long stall. */
const STEPS = array(double({ min: 0.01, max: 60, noNaN: true }), { minLength: 1, maxLength: 10 });

describe('FairLink', () => {
  it('keeps to its rate exactly, however late it is asked', () => {
    assert(
      property(RATE, integer({ min: 1, max: 8 }), STEPS, (rate, count, steps) => {
        const senders = Array.from({ length: count }, () => new Sender());
        const link = linkOf(rate, senders);
        let nowMs = 0;
        for (const step of steps) {
          nowMs += step;
          link.release(nowMs);
        }
        const all = senders.flatMap(({ departures }) => departures);
        const departures = all.toSorted((left, right) => left.fromMs - right.fromMs);
        const overlapping = departures.filter(
          ({ fromMs }, index) => fromMs < (departures[index - 1]?.untilMs ?? 0) - 1e-6,
        );
        expect(overlapping).toEqual([]);
        const sent = senders.reduce((total, { sentBytes }) => total + sentBytes, 0);
        const passed = (nowMs * rate) / 8000;
        expect(sent).toBeGreaterThanOrEqual(passed - 1);
        expect(sent).toBeLessThanOrEqual(passed + quantumBytes(rate, MSS) + 1);
      }),
    );
  });

  it('gives everybody the same, to one turn', () => {
    assert(
      property(RATE, integer({ min: 2, max: 64 }), STEPS, (rate, count, steps) => {
        const senders = Array.from({ length: count }, () => new Sender());
        const link = linkOf(rate, senders);
        let nowMs = 0;
        for (const step of steps) {
          nowMs += Math.min(step, 20);
          link.release(nowMs);
          const sent = senders.map(({ sentBytes }) => sentBytes);
          expect(Math.max(...sent) - Math.min(...sent)).toBeLessThanOrEqual(quantumBytes(rate, MSS));
        }
      }),
    );
  });

  it('sends everything that it was given, and then waits for nothing', () => {
    const senders = array(
      record({ bytes: integer({ min: 1, max: 50_000 }), fromMs: integer({ min: 0, max: 500 }) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    assert(
      property(RATE, senders, (rate, given) => {
        const all = given.map(({ bytes, fromMs }) => new Sender(bytes, fromMs));
        const link = linkOf(rate, all);
        let nextMs = link.release(0);
        for (let looks = 0; nextMs < Infinity && looks < 100_000; looks += 1) nextMs = link.release(nextMs);
        expect(nextMs).toBe(Infinity);
        expect(all.map(({ sentBytes }) => sentBytes)).toEqual(given.map(({ bytes }) => bytes));
      }),
    );
  });

  it('saves nothing up while nobody sends', () => {
    const late = new Sender(100_000, 1000);
    const link = linkOf(8e6, [late]);
    expect(link.release(500)).toBe(1000);
    link.release(1050);
    expect(late.departures[0]).toEqual({ fromMs: 1000, untilMs: 1002 });
    expect(late.sentBytes).toBe(52_000);
  });

  it('lets those who are left take the place of one that is gone', () => {
    const [first, second, third] = [new Sender(), new Sender(), new Sender()];
    const link = linkOf(8e6, [first, second, third]);
    link.release(9);
    link.remove(first);
    link.remove(first);
    const before = [first, second, third].map(({ sentBytes }) => sentBytes);
    link.release(109);
    expect(first.sentBytes).toBe(before[0]);
    expect(second.sentBytes + third.sentBytes).toBeGreaterThan(100_000);
    expect(Math.abs(second.sentBytes - third.sentBytes)).toBeLessThanOrEqual(2000);
  });
});

describe('Pace', () => {
  it('lets a burst go at once and its rate from there', () => {
    const pace = new Pace(8000, 100);
    expect(pace.spend(100, 0)).toBe(0);
    expect(pace.readyAtMs).toBe(0);
    expect(pace.spend(50, 0)).toBe(50);
    expect(pace.spend(50, 0)).toBe(100);
    expect(pace.spend(150, 1000)).toBe(1050);
  });
});
