import type { HealthReport, Readiness } from './http/health-routes.ts';
import type { TelemetryEvent } from './telemetry/event.ts';

/** The hops of each namespace, the origin as the last resort included, by host and port. */
export type HopNames = ReadonlyMap<string, readonly string[]>;

const NO_HOP = 'none of its hops answers: what is held is served, and nothing else';

/**
 * Knows what is wrong, from the events: the store counts as ill from a failed write to the next one that works, a hop
 * from its fall to its next answer.
 */
export class Health {
  readonly #hopNames: () => HopNames;
  readonly #down = new Map<string, string>();
  readonly #failing = new Map<string, string>();
  #phase: 'starting' | 'serving' | 'draining' = 'starting';
  #store: string | undefined;

  /** @param hopNames as they are configured now */
  constructor(hopNames: () => HopNames) {
    this.#hopNames = hopNames;
  }

  readonly observe = (event: TelemetryEvent): void => {
    switch (event.kind) {
      case 'listening':
        if (event.role === 'registry' && this.#phase === 'starting') this.#phase = 'serving';
        break;
      case 'store-write-failed':
        this.#store = event.reason;
        break;
      case 'fill-finished':
      case 'store-written':
        this.#store = undefined;
        break;
      case 'hop-down':
        this.#down.set(event.upstream, event.reason);
        break;
      case 'hop-up':
        this.#down.delete(event.upstream);
        break;
      case 'reloaded':
        // The hops are other ones now, and all of them begin as healthy.
        this.#down.clear();
        break;
      case 'check-failed':
        this.#failing.set(event.check, event.reason);
        break;
      case 'check-passed':
        this.#failing.delete(event.check);
        break;
      default:
    }
  };

  /** Other checks are made from now on. */
  forgetChecks(): void {
    this.#failing.clear();
  }

  /** No new clients should come. */
  drain(): void {
    this.#phase = 'draining';
  }

  /** What the last failed write said, until one works again. */
  get storeFailure(): string | undefined {
    return this.#store;
  }

  /** What Distribution's debug server tells: the store and the configured checks. */
  report(): HealthReport {
    return {
      ...(this.#store === undefined ? {} : { storagedriver: this.#store }),
      ...Object.fromEntries(this.#failing),
    };
  }

  /**
   * Whether new clients should be sent here, and all that is wrong, by part. A store that takes nothing and hops that
   * are down are told, and are no reason to send clients away: what is held, and what can be streamed through, is served.
   */
  readiness(): Readiness {
    return { status: this.#status, problems: { ...this.#ills, ...Object.fromEntries(this.#failing) } };
  }

  get #status(): Readiness['status'] {
    if (this.#phase !== 'serving') return this.#phase;
    return this.#failing.size === 0 ? 'ready' : 'unhealthy';
  }

  get #ills(): Readonly<Record<string, string>> {
    const deaf = [...this.#hopNames()].filter(([, names]) => names.every((name) => this.#down.has(name)));
    return {
      ...(this.#store === undefined ? {} : { store: this.#store }),
      ...Object.fromEntries(deaf.map(([namespace]) => [`namespace ${namespace}`, NO_HOP])),
      ...Object.fromEntries(Array.from(this.#down, ([name, reason]) => [`upstream ${name}`, reason])),
    };
  }
}
