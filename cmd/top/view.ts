import { type List, ORDERS, type SortChoice } from './sort.ts';

/** What fills the screen. */
export const TABS = ['overview', 'fills', 'upstreams', 'store', 'repositories', 'pulls'] as const;
export type Tab = (typeof TABS)[number];

/** What a person has chosen to see. */
export interface View {
  readonly tab: Tab;
  readonly isHelp: boolean;
  readonly filter: { readonly text: string; readonly isEdited: boolean };
  readonly sort: Readonly<Record<List, SortChoice>>;
  /** How many entries of the list are scrolled over. */
  readonly offset: number;
  /** Which daemon is looked at, where there are several. */
  readonly daemon: 'all' | number;
}

export type ViewAction =
  | { readonly kind: 'tab'; readonly tab: Tab }
  | { readonly kind: 'turn-tab'; readonly by: 1 | -1 }
  | { readonly kind: 'help' }
  | { readonly kind: 'escape' }
  | { readonly kind: 'sort' }
  | { readonly kind: 'reverse' }
  | { readonly kind: 'edit-filter' }
  | { readonly kind: 'filter'; readonly text: string }
  | { readonly kind: 'keep-filter' }
  /** `most`: how far the list can be scrolled. */
  | { readonly kind: 'scroll'; readonly by: number; readonly most: number }
  | { readonly kind: 'next-daemon'; readonly count: number };

const START: SortChoice = { order: 0, isReversed: false };

export const FIRST_VIEW: View = {
  tab: 'overview',
  isHelp: false,
  filter: { text: '', isEdited: false },
  sort: { fills: START, upstreams: START, store: START, repositories: START, pulls: START },
  offset: 0,
  daemon: 'all',
};

/** The list that a tab's keys are for; the overview's is the repositories. */
function listOf(tab: Tab): List {
  return tab === 'overview' ? 'repositories' : tab;
}

export function changeView(view: View, action: ViewAction): View {
  switch (action.kind) {
    case 'tab':
      return { ...view, tab: action.tab, offset: 0, isHelp: false };
    case 'turn-tab': {
      const index = TABS.indexOf(view.tab) + action.by + TABS.length;
      return { ...view, tab: TABS[index % TABS.length] ?? view.tab, offset: 0, isHelp: false };
    }
    case 'help':
      return { ...view, isHelp: !view.isHelp, offset: 0 };
    case 'escape':
      if (view.isHelp) return { ...view, isHelp: false, offset: 0 };
      return { ...view, filter: { text: '', isEdited: false }, offset: 0 };
    case 'sort': {
      const list = listOf(view.tab);
      const order = (view.sort[list].order + 1) % ORDERS[list].length;
      return { ...view, sort: { ...view.sort, [list]: { order, isReversed: false } }, offset: 0 };
    }
    case 'reverse': {
      const list = listOf(view.tab);
      const { order, isReversed } = view.sort[list];
      return { ...view, sort: { ...view.sort, [list]: { order, isReversed: !isReversed } }, offset: 0 };
    }
    case 'edit-filter':
      return { ...view, isHelp: false, filter: { ...view.filter, isEdited: true } };
    case 'filter':
      return { ...view, filter: { text: action.text, isEdited: true }, offset: 0 };
    case 'keep-filter':
      return { ...view, filter: { text: view.filter.text.trim(), isEdited: false } };
    case 'scroll':
      return { ...view, offset: Math.max(0, Math.min(action.most, view.offset + action.by)) };
    case 'next-daemon': {
      if (action.count < 2) return view;
      const next = view.daemon === 'all' ? 0 : view.daemon + 1;
      return { ...view, daemon: next < action.count ? next : 'all', offset: 0 };
    }
  }
}
