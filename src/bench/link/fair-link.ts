import { Pace } from './pace.ts';

/** When some bytes leave the near end: the first of them, and the last. */
export interface Departure {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** One sender on a shared link. */
export interface Flow {
  /** Since when, or from when on, it could send; Infinity where it cannot and no time will change that. */
  readyAtMs(nowMs: number): number;
  /** Once it is ready: how many bytes it would send at once, at most `maxBytes`. */
  sendableBytes(maxBytes: number, nowMs: number): number;
  send(bytes: number, departure: Departure): void;
}

/** The most that one sender sends in its turn. */
const QUANTUM_BYTES = 16 * 1024;
/** On a slow link a turn is no longer than this, or one segment. */
const TURN_MS = 2;

/** What a turn may be on a link of this rate, in bytes. */
export function quantumBytes(bitsPerSecond: number, mssBytes: number): number {
  const turn = Math.floor((bitsPerSecond / 8000) * TURN_MS);
  return Math.min(QUANTUM_BYTES, Math.max(mssBytes, turn));
}

/** One direction of a link: its senders take turns, and together never exceed its rate. */
export class FairLink {
  readonly #pace: Pace;
  readonly #quantumBytes: number;
  readonly #flows: Flow[] = [];
  #turn = 0;

  constructor(bitsPerSecond: number, mssBytes: number) {
    this.#pace = new Pace(bitsPerSecond);
    this.#quantumBytes = quantumBytes(bitsPerSecond, mssBytes);
  }

  add(flow: Flow): void {
    this.#flows.push(flow);
  }

  remove(flow: Flow): void {
    const index = this.#flows.indexOf(flow);
    if (index === -1) return;
    this.#flows.splice(index, 1);
    if (index < this.#turn) this.#turn -= 1;
  }

  /** Lets everything go that may. @returns when more can go, Infinity where nothing waits for time */
  release(nowMs: number): number {
    let nextMs = Infinity;
    for (let passed = 0; passed < this.#flows.length;) {
      if (this.#pace.readyAtMs > nowMs) return this.#nextMs(nowMs);
      const readyMs = this.#takeTurn(nowMs);
      nextMs = readyMs <= nowMs ? Infinity : Math.min(nextMs, readyMs);
      passed = readyMs <= nowMs ? 0 : passed + 1;
    }
    return nextMs;
  }

  /** @returns since when the sender whose turn it was could send, or when it can */
  #takeTurn(nowMs: number): number {
    if (this.#turn >= this.#flows.length) this.#turn = 0;
    const flow = this.#flows[this.#turn];
    this.#turn += 1;
    if (flow === undefined) return Infinity;
    const readyMs = flow.readyAtMs(nowMs);
    if (readyMs > nowMs) return readyMs;
    const bytes = flow.sendableBytes(this.#quantumBytes, nowMs);
    const untilMs = this.#pace.spend(bytes, readyMs);
    flow.send(bytes, { fromMs: untilMs - this.#pace.durationMs(bytes), untilMs });
    return readyMs;
  }

  #nextMs(nowMs: number): number {
    const ready = this.#flows.map((flow) => flow.readyAtMs(nowMs));
    return Math.max(this.#pace.readyAtMs, Math.min(Infinity, ...ready));
  }
}
