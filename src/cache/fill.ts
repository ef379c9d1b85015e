import type { Clock } from '../async/clock.ts';
import { Notifier } from '../async/notifier.ts';
import type { Digest } from '../oci/digest.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import type { BlobWriter } from '../store/blob-writer.ts';
import type { Store } from '../store/store.ts';
import { StoreWriteError } from '../store/store-write-error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Passport, Upstream } from '../upstream/upstream.ts';
import type { BadContent } from './bad-content.ts';
import type { ByteSource } from './byte-source.ts';
import { WrongDigestError } from './fill-error.ts';
import { FillMeter, type FillProgress } from './fill-progress.ts';
import type { FillState, Opened } from './fill-state.ts';
import { Follower } from './follower.ts';
import { proveNothing } from './prove-nothing.ts';
import type { RangeSupport } from './range-support.ts';
import { RangedReceive, type RangeSettings } from './ranged-receive.ts';
import { type FoundBlob, receivePart, type ReceiveOptions } from './receive.ts';
import { tellFillFailure } from './tell-fill-failure.ts';

export interface FillDeps {
  readonly store: Store;
  /** The way up as it is now: it can be exchanged while a fill runs, which then resumes on the new one. */
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly badContent: BadContent;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly ranges: RangeSettings;
  readonly rangeSupport: RangeSupport;
  /** Whether the fill goes on when its last client has left. */
  readonly fillAfterAbort: boolean;
}

export interface FillRequest {
  readonly repository: Repository;
  readonly digest: Digest;
  readonly passport: Passport;
}

/** How long a fill goes on for a client that may come back, where `fillafterabort` is off. */
const RETURN_MS = 2_000;

/**
 * One download of one digest into the store; the states are those of `README.md` beside this file. It runs on
 * its own abort controller: a client's leaving harms nobody.
 */
export class Fill {
  readonly digest: Digest;
  readonly repository: Repository;
  /** Of the request that started it. */
  readonly passport: Passport;
  /** Resolves when the upstream has answered; rejects with its failure. */
  readonly opened: Promise<Opened>;
  /** Resolves when the fill has ended, well or not. */
  readonly ended: Promise<void>;
  readonly #deps: FillDeps;
  readonly #controller = new AbortController();
  readonly #changed = new Notifier();
  readonly #opened = Promise.withResolvers<Opened>();
  #state: FillState = { kind: 'running' };
  #writer: BlobWriter | undefined;
  #sizeBytes: number | undefined;
  #proven = false;
  readonly #meter: FillMeter;
  #clients = 0;
  /** Where followers wait for bytes. */
  readonly #wanted = new Set<{ readonly position: number }>();
  /** Who has sent any of it. */
  readonly #senders = new Set<string>();

  constructor(request: FillRequest, deps: FillDeps) {
    this.digest = request.digest;
    this.repository = request.repository;
    this.passport = request.passport;
    this.#deps = deps;
    this.#meter = new FillMeter(deps.clock);
    this.opened = this.#opened.promise;
    this.opened.catch(() => undefined);
    this.ended = this.#run();
  }

  /** Undefined while the upstream has not told. */
  get sizeBytes(): number | undefined {
    return this.#sizeBytes;
  }

  get state(): FillState {
    return this.#state;
  }

  /** How far it has come. */
  get progress(): FillProgress {
    const { startedAtMs, doneBytes, bytesPerSecond } = this.#meter;
    return {
      digest: this.digest,
      repository: repositoryKey(this.repository),
      upstream: [...this.#senders].at(-1) ?? this.#upstream.name,
      startedAtMs,
      doneBytes,
      sizeBytes: this.#sizeBytes,
      bytesPerSecond,
      followers: this.#clients,
    };
  }

  /** Whether all bytes have come and have the digest. */
  get isProven(): boolean {
    return this.#proven;
  }

  /** Whether nobody new may follow it: it has failed, or is about to. */
  get isFailing(): boolean {
    return this.#state.kind === 'failed' || (this.#controller.signal.aborted && !this.#proven);
  }

  /**
   * How far the bytes from a position on are good to be sent: the offset after the last of them. The blob's last byte
   * is announced only once the digest is proven.
   */
  announcedFrom(position: number): number {
    if (this.#writer === undefined) return 0;
    const readable = this.#writer.readableFrom(position);
    if (this.#proven) return readable;
    return Math.max(0, Math.min(readable, (this.#sizeBytes ?? readable) - 1));
  }

  /** Waits until something is announced or the state has changed; what is waited for is fetched first. */
  async changed(position: number, signal: AbortSignal): Promise<void> {
    const waiting = { position };
    this.#wanted.add(waiting);
    try {
      await this.#changed.wait(signal);
    } finally {
      this.#wanted.delete(waiting);
    }
  }

  /**
   * Counts a client in. With `fillAfterAbort` off, the fill ends when the last one has left.
   * @returns counts it out; calling that again does nothing
   */
  attend(): () => void {
    this.#clients += 1;
    let here = true;
    return () => {
      if (here) this.#left();
      here = false;
    };
  }

  /**
   * A reader from any position, who attends until it is closed; only after `opened` has resolved to `filling`.
   * @param onClose told when the reader is closed: what it read was in use until then
   */
  follow(openBypass: (prefix: Follower) => ByteSource, onClose: () => void): ByteSource {
    if (this.#writer === undefined) throw new Error('a fill is followed only once it has opened');
    const leave = this.attend();
    return new Follower(this, this.#writer.openReader(), openBypass, () => {
      leave();
      onClose();
    });
  }

  /** Ends the fill; its followers fail. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  get #upstream(): Upstream {
    return this.#deps.upstreamOf(this.repository);
  }

  #left(): void {
    this.#clients -= 1;
    if (this.#clients === 0 && !this.#deps.fillAfterAbort) void this.#endUnlessAsked();
  }

  /** A client that leaves may come back at once: containerd resumes so, and reads in ranges that it closes early. */
  async #endUnlessAsked(): Promise<void> {
    const { signal } = this.#controller;
    await this.#deps.clock.sleep(RETURN_MS, signal).catch(() => undefined);
    if (this.#clients === 0 && !this.#proven) this.abort(new Error('nobody waits any more'));
  }

  async #run(): Promise<void> {
    try {
      const first = await this.#open({ atBytes: 0, endBytes: Infinity }, this.#controller.signal);
      if (first.kind === 'refused') {
        this.#state = { kind: 'refused' };
        this.#opened.resolve(first);
        return;
      }
      this.#sizeBytes = first.sizeBytes;
      proveNothing(this.digest, first);
      await this.#fill(first);
      this.#state = { kind: 'stored' };
    } catch (error) {
      this.#state = { kind: 'failed', error };
      this.#opened.reject(error);
      const { digest } = this;
      const senders = this.#senders;
      const failed = {
        digest,
        upstream: this.#upstream.name,
        senders,
        offsetBytes: this.#writer?.readableBytes,
      };
      tellFillFailure(error, failed, this.#deps);
      await this.#writer?.abort().catch(() => undefined);
    } finally {
      this.#changed.notify();
    }
  }

  async #fill(first: FoundBlob): Promise<void> {
    const { store, telemetry, clock } = this.#deps;
    const startedMs = clock.monotonic();
    const writer = await this.#createWriter(first);
    const { digest } = this;
    const repository = repositoryKey(this.repository);
    const { sizeBytes: announced } = first;
    const upstream = this.#upstream.name;
    telemetry.emit({ kind: 'fill-started', digest, repository, upstream, sizeBytes: announced });
    this.#opened.resolve({ kind: 'filling', sizeBytes: announced, trail: first.trail });
    const { sizeBytes, connections } = await this.#receive(first, writer);
    this.#sizeBytes = sizeBytes;
    const result = await writer.commit(() => this.#prove());
    if (result.kind === 'wrong-digest') throw new WrongDigestError(digest, result.actual);
    await store.prove(this.repository, digest, 'blob', { sizeBytes });
    const durationMs = clock.monotonic() - startedMs;
    telemetry.emit({ kind: 'fill-finished', digest, upstream, sizeBytes, durationMs, connections });
  }

  async #receive(first: FoundBlob, writer: BlobWriter): Promise<{ sizeBytes: number; connections: number }> {
    const { clock, ranges: settings, rangeSupport: support } = this.#deps;
    const { sizeBytes } = first;
    const common = { first, onResume: this.#tellResumed, clock, signal: this.#controller.signal };
    if (sizeBytes === undefined) {
      const part = { atBytes: 0, endBytes: Infinity };
      const sink = this.#meter.counting((chunk) => writer.write(chunk));
      await receivePart({ ...common, part, sizeBytes, open: this.#open, sink });
      return { sizeBytes: part.atBytes, connections: 1 };
    }
    const receive = new RangedReceive({
      ...common,
      sizeBytes,
      open: this.#open,
      openPart: (startBytes) => {
        const part = startBytes === 0 ? writer : writer.openPart(startBytes);
        return this.#meter.counting((chunk) => part.write(chunk));
      },
      wanted: () => Array.from(this.#wanted, ({ position }) => position),
      settings,
      support,
    });
    await receive.run();
    return { sizeBytes, connections: receive.connections };
  }

  /** The last byte may go out; what is left is the disk's affair. */
  #prove(): void {
    this.#proven = true;
    this.#changed.notify();
  }

  async #createWriter(first: FoundBlob): Promise<BlobWriter> {
    try {
      const writer = await this.#deps.store.createBlob(this.digest, {
        onReadable: () => this.#changed.notify(),
      });
      this.#writer = writer;
      return writer;
    } catch (error) {
      first.body.abort(new Error('the store takes nothing'));
      if (error instanceof StoreWriteError) {
        this.#opened.resolve({ kind: 'bypass', sizeBytes: first.sizeBytes, trail: first.trail });
      }
      throw error;
    }
  }

  readonly #tellResumed: ReceiveOptions['onResume'] = (offsetBytes, { message: reason }) => {
    const upstream = this.#upstream.name;
    this.#deps.telemetry.emit({ kind: 'fill-resumed', digest: this.digest, upstream, offsetBytes, reason });
  };

  readonly #open: ReceiveOptions['open'] = async ({ atBytes: startBytes, endBytes: end }, signal) => {
    const { repository, digest } = this;
    const sizeBytes = this.#sizeBytes;
    const endBytes = end === Infinity || end === sizeBytes ? undefined : end;
    const avoids = (upstream: string): boolean => this.#deps.badContent.has(digest, upstream);
    const request = { name: repository.name, digest, startBytes, endBytes, sizeBytes, avoids };
    const answer = await this.#upstream.openBlob(request, this.passport, signal);
    if (answer.kind === 'found') this.#senders.add(answer.upstream);
    return answer;
  };
}
