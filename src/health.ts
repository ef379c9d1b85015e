import type { HealthReport } from './http/debug-server.ts';
import type { TelemetryEvent } from './telemetry/event.ts';

/** Knows what is wrong, from the events: the store counts as ill from a failed write to the next one that works. */
export class Health {
  #store: string | undefined;

  readonly observe = (event: TelemetryEvent): void => {
    if (event.kind === 'store-write-failed') this.#store = event.reason;
    if (event.kind === 'fill-finished') this.#store = undefined;
  };

  report(): HealthReport {
    return this.#store === undefined ? {} : { storagedriver: this.#store };
  }
}
