import type { Tab } from './view.ts';

/** What can be shown of one daemon. */
export type PanelKind =
  'rates' | 'traffic' | 'brief' | 'store' | 'fills' | 'upstreams' | 'repositories' | 'pulls';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Panels one below the other. */
export interface LayoutColumn {
  readonly width: number;
  readonly panels: readonly { readonly kind: PanelKind; readonly height: number }[];
}

/** Blank columns between panels that stand side by side. */
export const GAP = 2;

const [TWO_COLUMNS, WIDE] = [100, 156];
/** A title, the titles of columns, four spans of time, two lines of history. */
const RATES = 8;

type Stack = readonly (readonly [PanelKind, number])[];

/** How one daemon fills an area: by its size alone, so that nothing moves while figures change. */
export function layoutOf(tab: Tab, { width, height }: Size): readonly LayoutColumn[] {
  if (tab !== 'overview') return [column(width, height, [[tab, height]])];
  if (width < TWO_COLUMNS) return [column(width, height, narrow(height))];
  // Figures to the left, lists with long lines to the right.
  const left = Math.floor((width - GAP) * (width < WIDE ? 0.42 : 1 / 3));
  const top = height < 40 ? RATES : 14;
  const rest = height - top;
  const store = rest < 16 ? rest : Math.max(8, Math.min(14, Math.floor(rest * 0.36)));
  const [fills, upstreams] =
    rest < 12 ? [rest, 0] : [Math.max(5, Math.floor(rest * 0.32)), rest < 36 ? 5 : 8];
  return [
    column(left, height, [
      ['rates', top],
      ['store', store],
      ['repositories', rest - store],
    ]),
    column(width - GAP - left, height, [
      ['traffic', top],
      ['fills', fills],
      ['upstreams', upstreams],
      ['pulls', rest - fills - upstreams],
    ]),
  ];
}

function narrow(height: number): Stack {
  if (height < 20) {
    return [
      ['rates', RATES],
      ['brief', height - RATES],
    ];
  }
  if (height < 30) {
    return [
      ['rates', RATES],
      ['brief', 4],
      ['upstreams', 4],
      ['fills', height - RATES - 8],
    ];
  }
  const rest = height - RATES - 7 - 5;
  const fills = Math.max(5, Math.floor(rest * 0.32));
  const store = rest - fills < 12 ? 0 : 7;
  return [
    ['rates', RATES],
    ['traffic', 7],
    ['fills', fills],
    ['upstreams', 5],
    ['store', store],
    ['pulls', rest - fills - store],
  ];
}

/** A column without what has no room for a line below its title. */
function column(width: number, height: number, stack: Stack): LayoutColumn {
  let left = height;
  const panels = stack.map(([kind, wanted]) => {
    const panel = { kind, height: Math.min(wanted, left) };
    left -= panel.height;
    return panel;
  });
  return { width, panels: panels.filter((panel) => panel.height > 1) };
}

/** A width shared evenly, what cannot be shared going to the first ones. */
export function shares(whole: number, count: number, gap: number): readonly number[] {
  const room = whole - gap * (count - 1);
  const each = Math.floor(room / count);
  return Array.from({ length: count }, (_, index) => each + (index < room - each * count ? 1 : 0));
}
