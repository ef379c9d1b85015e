import { GAP, shares, type Size } from './layout.ts';
import type { Tab, View } from './view.ts';

/** A daemon's place on the screen. */
export interface Area {
  readonly daemon: number;
  readonly size: Size;
}

/** How several daemons share the screen. */
export type Arrangement =
  /** Which daemons, each in its own area. */
  | { readonly kind: 'beside' | 'stacked'; readonly areas: readonly Area[] }
  /** Their main figures in one table, a column for each. */
  | { readonly kind: 'table' };

/** What a tab needs of each daemon to be worth looking at. */
const LEAST: Readonly<Record<Tab, Size>> = {
  overview: { width: 56, height: 14 },
  fills: { width: 58, height: 4 },
  upstreams: { width: 58, height: 4 },
  store: { width: 44, height: 6 },
  repositories: { width: 50, height: 4 },
  pulls: { width: 58, height: 4 },
};

/** Side by side as a chain where there is room, else one over the other, else a table of figures, else one alone. */
export function arrange(count: number, { tab, daemon }: View, size: Size): Arrangement {
  const alone = (index: number): Arrangement => ({ kind: 'beside', areas: [{ daemon: index, size }] });
  if (daemon !== 'all') return alone(Math.min(daemon, count - 1));
  if (count === 1) return alone(0);
  const widths = shares(size.width, count, GAP);
  if (Math.min(...widths) >= LEAST[tab].width) {
    return {
      kind: 'beside',
      areas: widths.map((width, index) => ({ daemon: index, size: { ...size, width } })),
    };
  }
  const heights = shares(size.height, count, 0);
  // Each has a line with its name.
  if (Math.min(...heights) - 1 >= LEAST[tab].height) {
    return {
      kind: 'stacked',
      areas: heights.map((height, index) => ({ daemon: index, size: { ...size, height } })),
    };
  }
  return tab === 'overview' ? { kind: 'table' } : alone(0);
}
