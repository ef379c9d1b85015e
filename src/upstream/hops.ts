import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import type { RepositoryName } from '../oci/repository-name.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { SENT_WRONG_BYTES, UpstreamError } from './error.ts';
import { firstAnswer, type Running } from './first-answer.ts';
import type { HopOrder } from './hop-order.ts';
import type { RegistryClient } from './registry-client.ts';
import type { Lane } from './transport.ts';
import type {
  BlobAnswer,
  BlobHead,
  BlobRequest,
  FoundManifest,
  ListAnswer,
  Listing,
  ManifestAnswer,
  Passport,
  Upstream,
} from './upstream.ts';
import type { Refused } from './verdict.ts';
import { answerEvent, type Way, wayState, type WayState } from './way.ts';

export interface HopsOptions {
  /** Never empty. */
  readonly hops: readonly Way[];
  /** The origin, asked when all hops have failed. */
  readonly fallback: Way | undefined;
  readonly order: HopOrder;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** What decides who is asked. */
interface Question {
  readonly name: RepositoryName | undefined;
  readonly lane: Lane;
  readonly beginsPull?: boolean;
  /** Whether something held can stand in for the answer: then nobody who is down is waited for. */
  readonly isHeld?: boolean;
  readonly avoids?: ((upstream: string) => boolean) | undefined;
  /** The request that waits; undefined where nobody does, as for a later part of a blob. */
  readonly passport: Passport | undefined;
}

type Call<T> = (client: RegistryClient, signal: AbortSignal) => Promise<T>;

/** Of all requests, so many may be sent to a second hop because the first is unusually slow. */
const HEDGED_SHARE = 0.05;
const MAX_CREDIT = 5;
/** Of the time that an answer may take, what is kept for each hop that may still be asked. */
const LEAST_SHARE_MS = 5_000;
/** Below this, slowness is this machine's own. */
const LEAST_PATIENCE_MS = 20;

/**
 * The way to an origin over one hop or several: the healthy ones in their order, the origin as the last resort. Only
 * the origin's verdict counts; whatever else a hop says, the next one is asked.
 */
export class Hops implements Upstream {
  #options: HopsOptions;
  /** How many requests may be sent twice. */
  #credit = 0;

  constructor(options: HopsOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.hops[0]?.client.name ?? '';
  }

  /** The hops in the order of the configuration, then the origin as the last resort. */
  get ways(): readonly WayState[] {
    const { hops, fallback } = this.#options;
    return (fallback === undefined ? hops : [...hops, fallback]).map(wayState);
  }

  /** Goes another upstream's way from now on: whoever holds this one, a running fill say, goes on there. */
  become(other: Hops): void {
    this.#options = other.#options;
  }

  async headManifest(
    name: RepositoryName,
    reference: Reference,
    heldDigest: Digest | undefined,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ManifestAnswer> {
    const isHeld = heldDigest !== undefined;
    const question = { name, lane: 'talk', beginsPull: reference.kind === 'tag', isHeld, passport } as const;
    const call: Call<ManifestAnswer> = (client, ending) =>
      client.headManifest(name, reference, heldDigest, passport, ending);
    return await this.#ask(question, call, signal);
  }

  async getManifest(
    name: RepositoryName,
    reference: Reference,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<FoundManifest | Refused> {
    const call: Call<FoundManifest | Refused> = (client, ending) =>
      client.getManifest(name, reference, passport, ending);
    return await this.#ask({ name, lane: 'talk', passport }, call, signal);
  }

  async headBlob(
    name: RepositoryName,
    digest: Digest,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<BlobHead> {
    const call: Call<BlobHead> = (client, ending) => client.headBlob(name, digest, passport, ending);
    return await this.#ask({ name, lane: 'talk', passport }, call, signal);
  }

  async openBlob(request: BlobRequest, passport: Passport, signal: AbortSignal): Promise<BlobAnswer> {
    const { name, avoids, sizeBytes } = request;
    const waiting = sizeBytes === undefined ? passport : undefined;
    const call: Call<BlobAnswer> = (client, ending) => client.openBlob(request, passport, ending);
    return await this.#ask({ name, lane: 'blob', avoids, passport: waiting }, call, signal);
  }

  async list(
    listing: Listing,
    query: URLSearchParams,
    passport: Passport,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const name = listing.kind === 'catalog' ? undefined : listing.name;
    const call: Call<ListAnswer> = (client, ending) => client.list(listing, query, passport, ending);
    return await this.#ask({ name, lane: 'talk', passport }, call, signal);
  }

  async #ask<T extends { readonly kind: string }>(
    question: Question,
    call: Call<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const rounds = this.#rounds(question);
    const { clock } = this.#options;
    const { passport, lane } = question;
    const patienceMs =
      passport === undefined ? Infinity : (rounds[0]?.ways[0].client.patienceMs(passport) ?? 0);
    const untilMs = clock.monotonic() + patienceMs;
    let failure: unknown;
    for (const [index, round] of rounds.entries()) {
      const leftMs = untilMs - clock.monotonic();
      const others = rounds.length - 1 - index;
      const shareMs = Math.max(leftMs / (others + 1), leftMs - others * LEAST_SHARE_MS);
      try {
        return await this.#inTime(shareMs, signal, (ending) => this.#hold(round, lane, call, ending));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof UpstreamError)) throw error;
        failure = error;
        const next = rounds[index + 1]?.ways[0];
        if (next !== undefined) this.#tell(round.ways[0], error, next);
      }
    }
    throw failure;
  }

  /**
   * Challenges, tokens, redirects and all: the asker waits for what they take together.
   * @throws {UpstreamError} where the answer has not begun in time
   */
  async #inTime<T>(
    milliseconds: number,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (milliseconds === Infinity) return await ask(signal);
    const late = new AbortController();
    const answered = new AbortController();
    this.#options.clock.sleep(milliseconds, answered.signal).then(
      () => late.abort(new UpstreamError('timeout', 'no answer in time')),
      () => undefined,
    );
    try {
      return await ask(AbortSignal.any([signal, late.signal]));
    } finally {
      answered.abort(new Error('answered'));
    }
  }

  /**
   * Who is asked, and in which order: those that are up, then all that are down together, as a last resort.
   * @throws {UpstreamError} where there is nobody to ask
   */
  #rounds(question: Question): readonly Round[] {
    const { hops, fallback, order } = this.#options;
    const { name, lane, beginsPull = false, isHeld = false, avoids } = question;
    const ordered = name === undefined ? hops : order.of(name, beginsPull).flatMap((at) => hops[at] ?? []);
    const all = fallback === undefined ? ordered : [...ordered, fallback];
    const good = all.filter(({ client }) => avoids?.(client.name) !== true);
    if (good.length === 0) throw new UpstreamError('avoided', SENT_WRONG_BYTES);
    const awake = good.filter(({ health }) => health.pauseMs(lane) === 0);
    if (awake.length === 0) throw pausing(good, lane);
    const up = awake.filter(({ health }) => health.isUp);
    const down = isHeld ? [] : awake.filter(({ health }) => !health.isUp);
    if (up.length + down.length === 0) throw new UpstreamError('connect', 'it is known to be down');
    this.#credit = Math.min(MAX_CREDIT, this.#credit + HEDGED_SHARE);
    const rounds = up.map((way, index) => this.#hedged(way, up[index + 1], lane));
    const [fallen, ...others] = down;
    return fallen === undefined ? rounds : [...rounds, { ways: [fallen, ...others], spareAfterMs: 0 }];
  }

  /** A hop that is unusually slow is helped by the next one; the origin is no help, but a last resort. */
  #hedged(way: Way, next: Way | undefined, lane: Lane): Round {
    const { p95 } = way.times[lane];
    if (next?.client.role !== 'hop' || p95 === undefined || this.#credit < 1) return { ways: [way] };
    return { ways: [way, next], spareAfterMs: Math.max(p95, LEAST_PATIENCE_MS) };
  }

  async #hold<T extends { readonly kind: string }>(
    { ways, spareAfterMs = 0 }: Round,
    lane: Lane,
    call: Call<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const [way, ...others] = ways;
    if (others.length === 0) return await this.#send(way, lane, call, signal);
    const start = (one: Way): Running<T> => {
      const ending = new AbortController();
      const ended = AbortSignal.any([signal, ending.signal]);
      return { answer: this.#send(one, lane, call, ended), ending };
    };
    const first = start(way);
    if (spareAfterMs > 0) {
      const early = await this.#within(first.answer, spareAfterMs);
      if (early !== undefined) return early;
      this.#credit -= 1;
    }
    return await firstAnswer([first, ...others.map(start)]);
  }

  /** The answer, if it comes within a time. */
  async #within<T>(answer: Promise<T>, milliseconds: number): Promise<T | undefined> {
    const over = new AbortController();
    try {
      const timer = this.#options.clock.sleep(milliseconds, over.signal).then(() => undefined);
      timer.catch(() => undefined);
      return await Promise.race([answer, timer]);
    } finally {
      over.abort(new Error('answered'));
    }
  }

  async #send<T>(way: Way, lane: Lane, call: Call<T>, signal: AbortSignal): Promise<T> {
    const { clock, telemetry } = this.#options;
    const { client, health, times } = way;
    const startedMs = clock.monotonic();
    let outcome: unknown;
    try {
      const answer = await call(client, signal);
      outcome = answer;
      times[lane].add(clock.monotonic() - startedMs);
      health.answered();
      return answer;
    } catch (error) {
      outcome = error;
      if (error instanceof UpstreamError) health.failed(error, lane);
      throw error;
    } finally {
      const event = answerEvent(way, lane, outcome, clock.monotonic() - startedMs);
      if (event !== undefined) telemetry.emit(event);
    }
  }

  #tell(way: Way, { message, hint }: UpstreamError, next: Way): void {
    const { telemetry } = this.#options;
    telemetry.emit({
      kind: 'hop-failed',
      upstream: way.client.name,
      reason: message,
      hint,
      next: next.client.name,
    });
  }
}

/** Hops that are asked together: the first one, and the others once it has kept silent for so long. */
interface Round {
  readonly ways: readonly [Way, ...Way[]];
  readonly spareAfterMs?: number;
}

function pausing(ways: readonly Way[], lane: Lane): UpstreamError {
  const pauseMs = Math.min(...ways.map(({ health }) => health.pauseMs(lane)));
  return new UpstreamError('busy', 'it asked for a pause that is not over', {
    status: 429,
    retryAfterSeconds: Math.ceil(pauseMs / 1000),
  });
}
