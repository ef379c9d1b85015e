import type { Clock } from '../async/clock.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

const TOLD_AGAIN_AFTER_MS = 10 * 60_000;

/** Spans that no collector has got: told at once the first time, then at most every ten minutes, and at the end. */
export class SpanLosses {
  readonly #deps: { readonly clock: Clock; readonly telemetry: Telemetry };
  #untold: { readonly spans: number; readonly reason: string } | undefined;
  #toldAtMs = -Infinity;

  constructor(deps: { readonly clock: Clock; readonly telemetry: Telemetry }) {
    this.#deps = deps;
  }

  add(spans: number, reason: string): void {
    this.#untold = { spans: spans + (this.#untold?.spans ?? 0), reason };
    if (this.#deps.clock.monotonic() - this.#toldAtMs >= TOLD_AGAIN_AFTER_MS) this.tell();
  }

  /** Tells what has not been told yet. */
  tell(): void {
    if (this.#untold === undefined) return;
    const { spans, reason } = this.#untold;
    this.#untold = undefined;
    this.#toldAtMs = this.#deps.clock.monotonic();
    const message = `traces: ${spans} ${spans === 1 ? 'span was' : 'spans were'} lost: ${reason}`;
    this.#deps.telemetry.emit({ kind: 'warning', message });
  }
}
