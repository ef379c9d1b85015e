import type { TelemetryEvent } from './event.ts';

/** Where events are told; whoever wants to watch subscribes. */
export class Telemetry {
  readonly #listeners = new Set<(event: TelemetryEvent) => void>();

  emit(event: TelemetryEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** @returns ends the subscription */
  subscribe(listener: (event: TelemetryEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
