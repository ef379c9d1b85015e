import type { Clock } from '../async/clock.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { UpstreamError } from './error.ts';
import type { Lane } from './transport.ts';

/** Waits between probes of a hop that is down: the last one again and again. */
const PROBE_DELAYS_MS: readonly number[] = [1_000, 2_000, 4_000, 5_000];
/** Failures in a row, without an answer between them, that take a hop out. */
const FAILURES_TO_FALL = 3;
/** However long a hop asks to be left alone, it is asked again after this. */
const MAX_PAUSE_MS = 5 * 60_000;

export interface HopHealthDeps {
  readonly name: string;
  /** Asks whether the hop answers at all. */
  readonly ping: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Whether a hop is worth asking, from what became of the requests that it was sent.
 *
 * | state    | on event                                          | next                                      |
 * | -------- | ------------------------------------------------- | ----------------------------------------- |
 * | **up**   | any answer                                        | **up**, its failures forgotten            |
 * |          | no connection, or a failed handshake              | **down**                                  |
 * |          | the third other failure in a row                  | **down**                                  |
 * | **down** | after 1, 2, 4, 5, 5, … s                          | `GET /v2/`: an answer → **up**            |
 * |          | a request that was sent all the same is answered  | **up**                                    |
 *
 * Beside that, 429 and 503 with `Retry-After` pause one lane of the hop for that long.
 */
export class HopHealth {
  readonly #deps: HopHealthDeps;
  readonly #closing = new AbortController();
  readonly #pausedUntilMs = { talk: -Infinity, blob: -Infinity };
  #failures = 0;
  #down:
    { readonly sinceMs: number; readonly reason: string; readonly recovered: AbortController } | undefined;

  constructor(deps: HopHealthDeps) {
    this.#deps = deps;
  }

  get isUp(): boolean {
    return this.#down === undefined;
  }

  /** Why the hop is down; undefined where it is up. */
  get downReason(): string | undefined {
    return this.#down?.reason;
  }

  /** How long the hop wants to be left alone with such requests, in milliseconds; 0 where it does not. */
  pauseMs(lane: Lane): number {
    return Math.max(0, this.#pausedUntilMs[lane] - this.#deps.clock.monotonic());
  }

  /** An answer came, whatever it says. */
  answered(): void {
    this.#failures = 0;
    if (this.#down === undefined) return;
    const { sinceMs, recovered } = this.#down;
    const { name, clock, telemetry } = this.#deps;
    this.#down = undefined;
    recovered.abort(new Error('it answers again'));
    telemetry.emit({ kind: 'hop-up', upstream: name, downMs: clock.monotonic() - sinceMs });
  }

  failed(error: UpstreamError, lane: Lane): void {
    if (error.kind === 'busy') {
      const pauseMs = (error.retryAfterSeconds ?? 0) * 1000;
      this.#pausedUntilMs[lane] = this.#deps.clock.monotonic() + Math.min(pauseMs, MAX_PAUSE_MS);
      this.answered();
      return;
    }
    // A hop that refuses, or passes on what failed behind it, is alive.
    if (error.kind === 'auth' || (error.status !== undefined && error.status < 500)) {
      this.answered();
      return;
    }
    const unreachable = error.kind === 'connect' || error.kind === 'tls';
    this.#failures += unreachable ? FAILURES_TO_FALL : 1;
    if (this.#failures >= FAILURES_TO_FALL && this.#down === undefined) this.#fall(error);
  }

  /** Ends the probing. */
  close(): void {
    this.#closing.abort(new Error('the hop is not used any more'));
  }

  #fall({ message, hint }: UpstreamError): void {
    const { name, clock, telemetry } = this.#deps;
    const recovered = new AbortController();
    this.#down = { sinceMs: clock.monotonic(), reason: message, recovered };
    telemetry.emit({ kind: 'hop-down', upstream: name, reason: message, hint });
    const over = AbortSignal.any([recovered.signal, this.#closing.signal]);
    this.#probe(over).catch((error: unknown) => {
      if (over.aborted) return;
      telemetry.emit({ kind: 'warning', message: `probing ${name} failed: ${String(error)}` });
    });
  }

  async #probe(over: AbortSignal): Promise<void> {
    const { clock, ping } = this.#deps;
    for (let tries = 0; !over.aborted; tries += 1) {
      await clock.sleep(PROBE_DELAYS_MS[Math.min(tries, PROBE_DELAYS_MS.length - 1)] ?? 0, over);
      const answers = await ping(over).then(
        () => true,
        () => false,
      );
      if (answers) this.answered();
    }
  }
}
