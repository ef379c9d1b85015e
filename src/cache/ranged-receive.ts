import type { Clock } from '../async/clock.ts';
import type { ByteSink } from '../upstream/body.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { BlobAnswer } from '../upstream/upstream.ts';
import { Distance } from './distance.ts';
import { StalledError } from './fill-error.ts';
import { Gaps } from './gaps.ts';
import { RangeConnection } from './range-connection.ts';
import type { RangeSupport } from './range-support.ts';
import { type FoundBlob, type Part, type ReceiveOptions, receivePart } from './receive.ts';

export interface RangeSettings {
  /** The most connections for one blob; 1: no ranges. */
  readonly connections: number;
  readonly minSizeBytes: number;
  /** The smallest window. */
  readonly windowBytes: number;
}

export interface RangedReceiveOptions {
  readonly first: FoundBlob;
  readonly sizeBytes: number;
  readonly open: ReceiveOptions['open'];
  /** Begins to write what follows an offset. */
  readonly openPart: (startBytes: number) => ByteSink;
  /** Where readers wait for bytes. */
  readonly wanted: () => readonly number[];
  readonly onResume: ReceiveOptions['onResume'];
  readonly settings: RangeSettings;
  readonly support: RangeSupport;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One connection that is faster (128 Mbit/s) is not held up by how far away its other end is. */
const FAST_BYTES_PER_MS = 16_000;
/** The first connection's rate is that of half a round trip after the first: while it goes on alone, time is lost. */
const SETTLED_ROUND_TRIPS = 1;
const DECIDED_ROUND_TRIPS = 1.5;
/** What is left must take at least so long, and so many round trips, to be worth a second connection. */
const WORTH_MS = 1_000;
const WORTH_ROUND_TRIPS = 8;
/** A window lasts so many round trips, so that the one between two windows costs little. */
const WINDOW_ROUND_TRIPS = 40;
const LEAST_WINDOW_BYTES = 1024 * 1024;
const LEAST_WINDOW_ROUND_TRIPS = 5;
/** How long all connections are given before they must have brought more than the first one alone. */
const TRIAL_MS = 2_000;
const TRIAL_ROUND_TRIPS = 16;
const GAIN_WANTED = 1.25;
/** A connection that has been silent for so long gives what it lacks to one that is done. */
const STALLED_MS = 2_000;
const STALLED_ROUND_TRIPS = 10;

/** How far everything was at a time. */
interface Mark {
  readonly atMs: number;
  readonly receivedBytes: number;
}

/**
 * Receives a blob over one connection, and over several where it comes from far away: those fetch windows ahead of the
 * first one, nearest to the readers first. The states are those of `README.md` beside this file.
 */
export class RangedReceive {
  readonly #options: RangedReceiveOptions;
  readonly #gaps = new Gaps();
  readonly #workers = new Set<RangeConnection>();
  readonly #running: Promise<void>[] = [];
  /** Who has got the answer to the whole blob. */
  #whole: RangeConnection | undefined;
  /** Aborts when nobody works any more. */
  readonly #over = new AbortController();
  readonly #startedMs: number;
  readonly #distance: Distance;
  /** How many may work; 0 while the first one is alone and nothing is decided. */
  #allowed = 0;
  #connections = 1;
  #receivedBytes = 0;
  #settled: Mark | undefined;
  #trial: Mark | undefined;
  /** The first connection's rate before it had company. */
  #aloneBytesPerMs = 0;
  /** The best that one connection has done. */
  #eachBytesPerMs = 0;
  #failure: unknown;
  #fatal: { readonly error: unknown } | undefined;

  constructor(options: RangedReceiveOptions) {
    this.#options = options;
    this.#distance = new Distance(options.first, options.clock);
    this.#startedMs = options.clock.monotonic();
  }

  /** How many connections were used. */
  get connections(): number {
    return this.#connections;
  }

  /** @throws {UpstreamError} when the upstream has failed for good; the signal's reason; whatever a sink throws */
  async run(): Promise<void> {
    const { first, sizeBytes, openPart } = this.#options;
    const write = openPart(0);
    this.#running.push(this.#work({ atBytes: 0, endBytes: sizeBytes }, write, first));
    for (let done = 0; done < this.#running.length; done += 1) await this.#running[done];
    if (this.#fatal !== undefined) throw this.#fatal.error;
    if (this.#gaps.sizeBytes > 0) throw this.#failure;
  }

  /** One connection: its part, then the next window, until nothing is left or it fails. */
  async #work(part: Part, write: ByteSink, first?: FoundBlob): Promise<void> {
    let goesOn = await this.#fetch(part, write, first);
    while (goesOn) {
      const next = this.#next();
      if (next !== undefined) goesOn = await this.#fetch(next.part, next.write);
      else goesOn = await this.#waitsForStalled();
    }
  }

  /** @returns whether this connection may go on with another part */
  async #fetch(part: Part, write: ByteSink, first?: FoundBlob): Promise<boolean> {
    const worker = new RangeConnection(part, this.#options.clock);
    this.#workers.add(worker);
    if (first !== undefined) this.#whole = worker;
    try {
      await this.#receive(worker, write, first);
      this.#eachBytesPerMs = Math.max(this.#eachBytesPerMs, worker.bytesPerMs);
      return true;
    } catch (error) {
      this.#gaps.add({ startBytes: part.atBytes, endBytes: part.endBytes });
      return this.#survives(error, worker);
    } finally {
      this.#workers.delete(worker);
      if (this.#workers.size === 0) this.#over.abort(new Error('all is done'));
    }
  }

  /** A connection without work stays while another one may stall. */
  async #waitsForStalled(): Promise<boolean> {
    const { clock, signal } = this.#options;
    if (this.#workers.size === 0 || this.#workers.size >= this.#allowed) return false;
    const over = AbortSignal.any([signal, this.#over.signal]);
    await clock.sleep(this.#patienceMs, over).catch(() => undefined);
    return !over.aborted;
  }

  /** What a failure means for the others, and whether its own connection goes on. */
  #survives(error: unknown, failed: RangeConnection): boolean {
    if (error instanceof StalledError) return true;
    if (!(error instanceof UpstreamError)) {
      this.#fatal ??= { error };
      for (const worker of this.#workers) worker.controller.abort(error);
      return false;
    }
    this.#failure = error;
    if (error.kind !== 'protocol') return false;
    // What it says of ranges is not to be relied on: one goes on alone, best the one that was asked for no range.
    for (const worker of this.#workers)
      if (worker === this.#whole && worker !== failed) this.#lengthen(worker.part);
    if (this.#allowed < 2) return false;
    this.#options.support.deny(this.#options.first.upstream);
    this.#allowed = 1;
    return [...this.#workers].every((worker) => worker === failed);
  }

  /** What follows a window is its connection's again, where nobody else fetches it; one that has ended gets nothing. */
  #lengthen(part: Part): void {
    const gap = part.atBytes < part.endBytes ? this.#gaps.take(Infinity, [part.endBytes]) : undefined;
    if (gap?.startBytes === part.endBytes) part.endBytes = gap.endBytes;
    else if (gap !== undefined) this.#gaps.add(gap);
  }

  async #receive(worker: RangeConnection, write: ByteSink, first: FoundBlob | undefined): Promise<void> {
    const { clock, sizeBytes, open, onResume, signal } = this.#options;
    await receivePart({
      part: worker.part,
      first,
      sizeBytes,
      open: async (wanted, until) => this.#proper(await open(wanted, until), wanted),
      sink: (chunk) => {
        const pause = write(chunk);
        this.#note(worker, chunk.length, pause);
        return pause;
      },
      onResume,
      clock,
      signal: AbortSignal.any([signal, worker.controller.signal]),
    });
  }

  /** A server that answers a window with the whole blob would send everything before it for nothing. */
  #proper(answer: BlobAnswer, { atBytes }: Part): BlobAnswer {
    if (answer.kind === 'refused') return answer;
    this.#distance.note(answer.roundTripMs);
    if (answer.startBytes === atBytes || this.#workers.size === 1) return answer;
    answer.body.abort(new Error('ranges are ignored'));
    this.#options.support.deny(answer.upstream);
    throw new UpstreamError('protocol', 'it ignores ranges');
  }

  #note(worker: RangeConnection, bytes: number, pause: Promise<void> | undefined): void {
    worker.note(bytes, pause !== undefined);
    this.#receivedBytes += bytes;
    if (this.#allowed === 0) this.#considerMore(worker);
    else if (this.#trial !== undefined) this.#judgeTrial(this.#trial);
  }

  /** More connections, if the blob comes from far away and it would take long without them. */
  #considerMore({ part, hasPaused }: RangeConnection): void {
    const { settings, sizeBytes, first, support, clock, signal } = this.#options;
    const { roundTripMs, isFar } = this.#distance;
    if (settings.connections < 2 || sizeBytes < settings.minSizeBytes || isFar === false) {
      this.#allowed = 1;
      return;
    }
    const elapsedMs = clock.monotonic() - this.#startedMs;
    if (elapsedMs >= SETTLED_ROUND_TRIPS * roundTripMs) this.#settled ??= this.#mark();
    // The disk, not the way, is what is slow.
    if (hasPaused || this.#settled === undefined || !support.allows(first.upstream)) return;
    if (elapsedMs < DECIDED_ROUND_TRIPS * roundTripMs) return;
    const bytesPerMs = this.#bytesPerMsSince(this.#settled);
    const leftMs = (part.endBytes - part.atBytes) / bytesPerMs;
    if (bytesPerMs > FAST_BYTES_PER_MS || leftMs < Math.max(WORTH_MS, WORTH_ROUND_TRIPS * roundTripMs))
      return;
    if (isFar === undefined) {
      this.#distance.measure(AbortSignal.any([signal, this.#over.signal]));
      return;
    }
    this.#allowed = settings.connections;
    this.#aloneBytesPerMs = this.#eachBytesPerMs = bytesPerMs;
    this.#gaps.add({ startBytes: part.atBytes, endBytes: part.endBytes });
    part.endBytes = this.#gaps.take(this.#windowBytes(), [part.atBytes])?.endBytes ?? part.endBytes;
    this.#trial = this.#mark();
    for (let more = 1; more < this.#allowed; more += 1) {
      const next = this.#next();
      if (next === undefined) break;
      this.#connections += 1;
      this.#running.push(this.#work(next.part, next.write));
    }
  }

  /** Connections that have brought no more than the first one alone are let go as their windows end. */
  #judgeTrial(trial: Mark): void {
    const { clock, first, support } = this.#options;
    if (clock.monotonic() - trial.atMs < Math.max(TRIAL_MS, TRIAL_ROUND_TRIPS * this.#distance.roundTripMs))
      return;
    this.#trial = undefined;
    if (this.#bytesPerMsSince(trial) >= this.#aloneBytesPerMs * GAIN_WANTED) return;
    this.#allowed = 1;
    support.deny(first.upstream);
  }

  get #patienceMs(): number {
    return Math.max(STALLED_MS, STALLED_ROUND_TRIPS * this.#distance.roundTripMs);
  }

  #mark(): Mark {
    return { atMs: this.#options.clock.monotonic(), receivedBytes: this.#receivedBytes };
  }

  /** Of all connections together. */
  #bytesPerMsSince({ atMs, receivedBytes }: Mark): number {
    return (this.#receivedBytes - receivedBytes) / Math.max(1, this.#options.clock.monotonic() - atMs);
  }

  /** What a connection that is free fetches next: a window, or what a stalled one lacks. */
  #next(): { part: Part; write: ByteSink } | undefined {
    if (this.#workers.size >= Math.max(1, this.#allowed)) return undefined;
    const { wanted, openPart } = this.#options;
    if (this.#gaps.sizeBytes === 0) this.#takeFromStalled();
    const gap = this.#gaps.take(this.#windowBytes(), wanted());
    if (gap === undefined) return undefined;
    const write = openPart(gap.startBytes);
    return { part: { atBytes: gap.startBytes, endBytes: gap.endBytes }, write };
  }

  /** Long enough that the round trip between two windows costs little, short enough that all end at the same time; alone, all. */
  #windowBytes(): number {
    if (this.#allowed === 1) return Infinity;
    const [{ settings }, bytesPerMs] = [this.#options, this.#eachBytesPerMs];
    const long = Math.max(settings.windowBytes, bytesPerMs * this.#distance.roundTripMs * WINDOW_ROUND_TRIPS);
    const fair = this.#gaps.sizeBytes / Math.max(1, this.#allowed);
    const least = Math.max(
      LEAST_WINDOW_BYTES,
      bytesPerMs * this.#distance.roundTripMs * LEAST_WINDOW_ROUND_TRIPS,
    );
    return Math.ceil(Math.max(Math.min(long, fair), Math.min(least, settings.windowBytes)));
  }

  /** What a silent connection lacks is there to be taken; one that waits for its answer is given more time. */
  #takeFromStalled(): void {
    for (const { part, controller, isWaiting, silentMs } of this.#workers) {
      if (silentMs < this.#patienceMs * (isWaiting ? 3 : 1) || part.atBytes >= part.endBytes) continue;
      this.#gaps.add({ startBytes: part.atBytes, endBytes: part.endBytes });
      part.endBytes = part.atBytes;
      controller.abort(new StalledError());
      return;
    }
  }
}
