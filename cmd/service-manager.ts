import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '../src/async/clock.ts';

const PROGRAM = 'systemd-notify';
/** What stopping may take beside the drain: the store is closed, and what is known is written down. */
const CLOSING_MS = 15_000;

export interface ServiceManagerDeps {
  readonly clock: Clock;
  /** Where systemd says that it wants to be told: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called once when telling begins to fail, and again only after it has worked. */
  readonly onFailure: (message: string) => void;
}

/**
 * Whoever started this process, where that is systemd: told when it serves, reloads and stops, and that it is alive,
 * each in its turn and without anybody waiting for it. Told by `systemd-notify`, a program of systemd's own: Node has no
 * Unix datagram sockets. Without a `NOTIFY_SOCKET` nothing is told. See sd_notify(3).
 */
export class ServiceManager implements AsyncDisposable {
  readonly #deps: ServiceManagerDeps;
  readonly #socket: string | undefined;
  readonly #ended = new AbortController();
  #last: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(deps: ServiceManagerDeps) {
    this.#deps = deps;
    const { NOTIFY_SOCKET: socket = '' } = deps.env;
    this.#socket = socket === '' ? undefined : socket;
  }

  /** It serves. From here on the watchdog is fed, as long as this process's event loop turns. */
  ready(status: string): void {
    this.#tell('READY=1', statusLine(status));
    const intervalMs = this.#watchdogMs() / 2;
    if (intervalMs > 0) void this.#feed(intervalMs);
  }

  /** A reload has begun; {@link reloaded} ends it, whatever came of it. */
  reloading(): void {
    const monotonicUs = process.hrtime.bigint() / 1000n;
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${monotonicUs}`);
  }

  reloaded(status: string): void {
    this.#tell('READY=1', statusLine(status));
  }

  /** It drains for so long, and systemd does not kill it before. */
  stopping(drainMs: number): void {
    this.#ended.abort();
    this.#tell('STOPPING=1', `EXTEND_TIMEOUT_USEC=${(drainMs + CLOSING_MS) * 1000}`, 'STATUS=Draining');
  }

  /** Waits until all is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#last;
  }

  #tell(...assignments: readonly string[]): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#last = this.#last.then(async () => {
      const failure = await notify(socket, assignments, this.#deps.env);
      if (failure !== undefined && !this.#isFailing) {
        this.#deps.onFailure(`systemd could not be told ${assignments[0]}: ${failure}`);
      }
      this.#isFailing = failure !== undefined;
    });
  }

  /** How long systemd waits for a sign of life of this very process; 0: it does not watch. */
  #watchdogMs(): number {
    const { WATCHDOG_USEC: periodUs, WATCHDOG_PID: pid } = this.#deps.env;
    if (this.#socket === undefined || periodUs === undefined) return 0;
    if (pid !== undefined && pid !== String(process.pid)) return 0;
    return Number(periodUs) / 1000;
  }

  async #feed(intervalMs: number): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      this.#tell('WATCHDOG=1');
      // A manager that answers slowly is not asked faster than it answers.
      await this.#last;
      await this.#deps.clock.sleep(intervalMs, signal).catch(() => undefined);
    }
  }
}

/** systemd reads up to the first newline. */
function statusLine(status: string): string {
  return `STATUS=${status.replaceAll(/\s+/g, ' ').trim()}`;
}

/**
 * Tells systemd, and waits until it has heard: it has to look up whose child it was that spoke.
 * @returns what went wrong
 */
async function notify(
  socket: string,
  assignments: readonly string[],
  { PATH: path }: ServiceManagerDeps['env'],
): Promise<string | undefined> {
  const child = spawn(PROGRAM, assignments, { stdio: 'ignore', env: { NOTIFY_SOCKET: socket, PATH: path } });
  try {
    const [code, signal]: unknown[] = await once(child, 'close');
    return code === 0 ? undefined : `${PROGRAM} ended with ${String(code ?? signal)}`;
  } catch (error) {
    return `${PROGRAM} cannot be run: ${error instanceof Error ? error.message : String(error)}`;
  }
}
