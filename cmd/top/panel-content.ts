import type { Snapshot } from '../../src/control/snapshot.ts';
import type { Line } from './line.ts';
import type { Signs } from './signs.ts';
import type { List, SortChoice } from './sort.ts';

/** What a panel shows, below its title. */
export interface PanelContent {
  readonly title: string;
  /** Beside the title. */
  readonly note: string;
  readonly lines: readonly Line[];
}

export interface PanelOptions {
  readonly width: number;
  /** Lines that there is room for, the title not counted. */
  readonly height: number;
  readonly signs: Signs;
  readonly filter: string;
  readonly sort: Readonly<Record<List, SortChoice>>;
  /** How many entries of a list are scrolled over. */
  readonly offset: number;
}

/** Makes a panel's content of what a daemon told; the same for the same. */
export type PanelOf = (snapshot: Snapshot, options: PanelOptions) => PanelContent;
