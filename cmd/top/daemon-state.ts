import type { Snapshot } from '../../src/control/snapshot.ts';

/** How it stands with one daemon that is watched. Times are milliseconds since the epoch. */
export type DaemonState =
  /** It has not been reached yet. */
  | {
      readonly kind: 'waiting';
      readonly name: string;
      readonly sinceMs: number;
      readonly atMs: number;
      /** Undefined while it is being asked for the first time. */
      readonly problem: Problem | undefined;
    }
  | { readonly kind: 'live'; readonly name: string; readonly snapshot: Snapshot }
  /** It was there; the snapshot is the last one that it gave. */
  | {
      readonly kind: 'gone';
      readonly name: string;
      readonly snapshot: Snapshot;
      readonly sinceMs: number;
      readonly atMs: number;
      readonly problem: Problem;
    };

export interface Problem {
  readonly message: string;
  readonly hint: string | undefined;
}

/** The last snapshot that there is. */
export function snapshotOf(state: DaemonState): Snapshot | undefined {
  return state.kind === 'waiting' ? undefined : state.snapshot;
}
