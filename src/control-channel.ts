import type { RequestListener } from 'node:http';
import type { Clock } from './async/clock.ts';
import { controlRoutes } from './control/control-routes.ts';
import { ControlSocket } from './control/control-socket.ts';
import { DayCounter } from './control/day-counter.ts';
import { Statistics } from './control/statistics.ts';
import { type SnapshotSources, takeSnapshot } from './control/take-snapshot.ts';
import { createDebugListener } from './http/debug-server.ts';
import type { Store } from './store/store.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface ControlChannelDeps {
  readonly store: Store;
  readonly root: string;
  readonly sources: SnapshotSources;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Counts from the daemon's start on, and answers whoever asks how it is doing. */
export class ControlChannel implements AsyncDisposable {
  /** By path; the debug server answers them too. */
  readonly routes: ReadonlyMap<string, RequestListener>;
  readonly #days: DayCounter;
  readonly #leave: () => void;
  #socket: ControlSocket | undefined;

  private constructor({ store, sources, clock, telemetry }: ControlChannelDeps) {
    this.#days = new DayCounter(store.figures, clock);
    const statistics = new Statistics(clock, this.#days);
    this.#leave = telemetry.subscribe(statistics.observe);
    this.routes = controlRoutes({
      snapshot: async () => takeSnapshot(statistics, sources, clock),
      days: async (count) => this.#days.read(count),
      telemetry,
      clock,
    });
  }

  /** Begins to count and to listen; where no socket can be made, that is a warning: a cache works without one. */
  static async open(deps: ControlChannelDeps): Promise<ControlChannel> {
    const channel = new ControlChannel(deps);
    try {
      const socket = await ControlSocket.open(deps.root, createDebugListener(channel.routes));
      channel.#socket = socket;
      if (socket.elsewhere !== undefined) {
        const message = `the control socket is ${socket.path}, not in the store: ${socket.elsewhere}; where \`regcache top\` and \`regcache stats\` do not find it, name it with --connect`;
        deps.telemetry.emit({ kind: 'warning', message });
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const message = `no control socket, so that \`regcache top\` and \`regcache stats\` cannot ask this daemon: ${reason}`;
      deps.telemetry.emit({ kind: 'warning', message });
    }
    return channel;
  }

  /** Ends the answers that run, and hands over what was counted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket?.[Symbol.asyncDispose]();
    this.#leave();
    await this.#days[Symbol.asyncDispose]();
  }
}
