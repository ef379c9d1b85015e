import { ByteQueue } from './byte-queue.ts';
import { type Departure, type Flow, quantumBytes } from './fair-link.ts';
import { chanceOf } from './jitter.ts';
import type { LinkShape } from './link-options.ts';
import { Pace } from './pace.ts';
import { INITIAL_SEGMENTS, SlowStart } from './slow-start.ts';

/** How one direction of a connection ends: in order, or broken off. */
export type PassageEnd = 'fin' | 'reset';

export interface PassageOptions {
  readonly shape: LinkShape;
  /** Tells passages apart, for the jitter. */
  readonly stream: number;
  /** Before this nothing goes: the handshake is on its way. */
  readonly opensAtMs: number;
  /** Bytes that were delivered and that the receiver's socket has not taken. */
  readonly backlogBytes: () => number;
}

/** What has come through. */
export interface Delivery {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  /** Set once, after the last byte. */
  readonly end: PassageEnd | undefined;
}

/** What the sender's own buffer takes. */
const WAITING_BYTES = 64 * 1024;
/** The window is larger than the bandwidth-delay product by what passes while a timer is late, and by one buffer. */
const TIMER_MS = 4;
/** Bytes that are due together are delivered together; a timer is no more exact than this. */
const TOGETHER_MS = 0.25;

/**
 * One direction of a connection: bytes wait for their turn on the link, travel, and are delivered in order. It holds
 * no more than a bandwidth-delay product, what passes in 4 ms and 128 KiB; a receiver that does not read stops it.
 */
export class Passage implements Flow {
  readonly #options: PassageOptions;
  readonly #pace: Pace | undefined;
  readonly #slowStart: SlowStart | undefined;
  readonly #quantumBytes: number;
  readonly #windowBytes: number;
  /** Those that travel, and behind them those that wait. */
  readonly #bytes = new ByteQueue();
  readonly #travelling: { bytes: number; readonly dueMs: number }[] = [];
  #travellingBytes = 0;
  #departedBytes = 0;
  #deliveredBytes = 0;
  #lastDueMs = -Infinity;
  /** Since when what waits could have gone, had the link been free. */
  #waitsSinceMs = -Infinity;
  /** Whether the sender was stopped: what it sends next would have been here long since. */
  #isHeldUp = false;
  #windowWasFull = false;
  #end: PassageEnd | undefined;
  #endDueMs = Infinity;
  #isDead = false;

  constructor(options: PassageOptions) {
    this.#options = options;
    const { ceilingBitsPerSecond, linkBitsPerSecond, roundTripMs, mssBytes, slowStart } = options.shape;
    const bytesPerMs = ceilingBitsPerSecond / 8000;
    const burstBytes = slowStart ? Math.min(INITIAL_SEGMENTS * mssBytes, bytesPerMs * roundTripMs) : 0;
    this.#pace =
      ceilingBitsPerSecond < linkBitsPerSecond ? new Pace(ceilingBitsPerSecond, burstBytes) : undefined;
    this.#slowStart = slowStart ? new SlowStart(options.shape) : undefined;
    this.#quantumBytes = quantumBytes(ceilingBitsPerSecond, mssBytes);
    this.#windowBytes = bytesPerMs * (roundTripMs + TIMER_MS) + WAITING_BYTES;
  }

  /** Whether the sender should stop. */
  get isFull(): boolean {
    return this.#waitingBytes >= WAITING_BYTES;
  }

  /** Whether a sender that was stopped may go on. */
  get hasRoom(): boolean {
    return this.#waitingBytes < WAITING_BYTES / 2;
  }

  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** What it holds now. */
  get heldBytes(): number {
    return this.#bytes.sizeBytes;
  }

  /** When the next bytes, or the end, are due at the far end; Infinity where nothing travels. */
  get nextDueMs(): number {
    return this.#travelling[0]?.dueMs ?? this.#endDueMs;
  }

  push(piece: Buffer, nowMs: number): void {
    if (this.#isDead || this.#end !== undefined) return;
    if (!this.#isHeldUp) this.#waitsSinceMs = nowMs;
    this.#bytes.push(piece);
    this.#isHeldUp = this.isFull;
  }

  /** A sender that was stopped has had its chance to go on: what it sends from now on is new. */
  letGo(): void {
    this.#isHeldUp = false;
  }

  /** Ends it behind what it holds; a reset leaves out what has not departed. */
  finish(end: PassageEnd, nowMs: number): void {
    if (this.#isDead || this.#end !== undefined) return;
    this.#end = end;
    const { shape, opensAtMs } = this.#options;
    if (end === 'reset') this.#bytes.dropLast(this.#waitingBytes);
    // A refusal answers the SYN itself.
    const earliestMs = end === 'reset' ? opensAtMs - shape.roundTripMs : opensAtMs;
    if (this.#waitingBytes === 0) this.#sendEnd(Math.max(nowMs, earliestMs));
  }

  /** From now on it swallows everything, what is on its way and its end too. */
  die(): void {
    this.#isDead = true;
    this.#bytes.dropLast(this.#bytes.sizeBytes);
    this.#travelling.length = 0;
    this.#travellingBytes = 0;
    this.#endDueMs = Infinity;
  }

  readyAtMs(nowMs: number): number {
    if (this.#waitingBytes === 0 || this.#isWindowFull(nowMs)) return Infinity;
    const roundMs = this.#slowStart?.readyAtMs(nowMs) ?? -Infinity;
    const paceMs = this.#pace?.readyAtMs ?? -Infinity;
    return Math.max(this.#waitsSinceMs, this.#options.opensAtMs, paceMs, roundMs);
  }

  sendableBytes(maxBytes: number, nowMs: number): number {
    const allowed = this.#slowStart?.allowedBytes(nowMs) ?? Infinity;
    return Math.min(maxBytes, this.#quantumBytes, this.#waitingBytes, allowed);
  }

  send(bytes: number, { fromMs, untilMs }: Departure): void {
    this.#slowStart?.sent(bytes, fromMs);
    const departedMs = Math.max(untilMs, this.#pace?.spend(bytes, fromMs) ?? untilMs);
    this.#travel(bytes, departedMs);
    if (this.#end !== undefined && this.#waitingBytes === 0) this.#sendEnd(departedMs);
  }

  /** Takes out what is due by then, at most so many bytes. */
  take(untilMs: number, maxBytes = Infinity): Delivery {
    let bytes = 0;
    for (let first = this.#travelling[0]; first !== undefined && first.dueMs <= untilMs;) {
      const taken = Math.min(first.bytes, maxBytes - bytes);
      bytes += taken;
      first.bytes -= taken;
      if (first.bytes > 0) break;
      this.#travelling.shift();
      first = this.#travelling[0];
    }
    this.#travellingBytes -= bytes;
    this.#deliveredBytes += bytes;
    const isOver = this.#travelling.length === 0 && this.#endDueMs <= untilMs;
    if (isOver) this.#endDueMs = Infinity;
    return { pieces: this.#bytes.take(bytes), bytes, end: isOver ? this.#end : undefined };
  }

  get #waitingBytes(): number {
    return this.#bytes.sizeBytes - this.#travellingBytes;
  }

  /** The time for which a receiver stops its sender is lost. */
  #isWindowFull(nowMs: number): boolean {
    const isFull = this.#travellingBytes + this.#options.backlogBytes() >= this.#windowBytes;
    if (!isFull && this.#windowWasFull) this.#waitsSinceMs = nowMs;
    this.#windowWasFull = isFull;
    return isFull;
  }

  #travel(bytes: number, departedMs: number): void {
    const { shape, stream } = this.#options;
    const chance = shape.jitterMs === 0 ? 0 : chanceOf(shape.seed, stream, this.#departedBytes);
    this.#departedBytes += bytes;
    this.#travellingBytes += bytes;
    const dueMs = departedMs + shape.oneWayMs + chance * shape.jitterMs;
    const last = this.#travelling.at(-1);
    if (last !== undefined && dueMs < last.dueMs + TOGETHER_MS) {
      last.bytes += bytes;
      return;
    }
    this.#lastDueMs = dueMs;
    this.#travelling.push({ bytes, dueMs });
  }

  #sendEnd(departedMs: number): void {
    this.#endDueMs = Math.max(this.#lastDueMs, departedMs + this.#options.shape.oneWayMs);
  }
}
