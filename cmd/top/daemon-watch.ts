import type { Clock } from '../../src/async/clock.ts';
import type { Snapshot } from '../../src/control/snapshot.ts';
import { UserError } from '../../src/user-error.ts';
import type { DaemonState, Problem } from './daemon-state.ts';

/** Where snapshots of one daemon come from. */
export interface SnapshotSource {
  /** What it is called; undefined: what the daemon calls itself. */
  readonly name: string | undefined;
  /** Where it is asked. */
  readonly place: string;
  /** The snapshots until the signal aborts. @throws {UserError} where the daemon cannot be reached or is gone */
  watch(signal: AbortSignal): AsyncIterable<Snapshot>;
}

export interface DaemonWatchDeps {
  readonly source: SnapshotSource;
  readonly clock: Clock;
  readonly onChange: () => void;
}

const AGAIN_MS = 1000;

/** Watches one daemon: reaches it, loses it, reaches it again, until its signal aborts. */
export class DaemonWatch {
  readonly #deps: DaemonWatchDeps;
  #state: DaemonState;

  constructor(deps: DaemonWatchDeps) {
    const { source, clock } = deps;
    this.#deps = deps;
    const atMs = clock.now();
    this.#state = {
      kind: 'waiting',
      name: source.name ?? source.place,
      sinceMs: atMs,
      atMs,
      problem: undefined,
    };
  }

  get state(): DaemonState {
    return this.#state;
  }

  /** @throws whatever is no failure of the daemon */
  async run(signal: AbortSignal): Promise<void> {
    const { source, clock } = this.#deps;
    while (!signal.aborted) {
      try {
        for await (const snapshot of source.watch(signal)) {
          this.#become({ kind: 'live', name: source.name ?? snapshot.daemon.name, snapshot });
        }
        throw new UserError('CONTROL_LOST', `lost the regcache on ${source.place}`);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UserError)) throw error;
        this.#lose(error);
      }
      await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
    }
  }

  #lose({ message, hint }: Problem): void {
    const atMs = this.#deps.clock.now();
    const problem = { message, hint };
    const before = this.#state;
    if (before.kind === 'live') {
      const { name, snapshot } = before;
      this.#become({ kind: 'gone', name, snapshot, sinceMs: atMs, atMs, problem });
    } else {
      this.#become({ ...before, atMs, problem });
    }
  }

  #become(state: DaemonState): void {
    this.#state = state;
    this.#deps.onChange();
  }
}
