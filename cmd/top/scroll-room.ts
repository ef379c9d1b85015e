import { arrange } from './arrangement.ts';
import { type DaemonState, snapshotOf } from './daemon-state.ts';
import { filtered } from './filter.ts';
import { helpLines } from './help.ts';
import type { Size } from './layout.ts';
import { isTroubled } from './notice.ts';
import type { Signs } from './signs.ts';
import { storeHead } from './store-panel.ts';
import type { View } from './view.ts';

export interface ScrollRoom {
  /** How many entries are seen at once. */
  readonly page: number;
  /** How many can be scrolled over. */
  readonly most: number;
}

/** How far the body of this size can be scrolled; of several lists side by side, as far as the one with most left. */
export function scrollRoom(states: readonly DaemonState[], view: View, size: Size, signs: Signs): ScrollRoom {
  if (view.isHelp) return room(helpLines(size.width, signs).length, size.height - 1);
  const { tab } = view;
  const arrangement = arrange(states.length, view, size);
  if (tab === 'overview' || arrangement.kind === 'table') return { page: 1, most: 0 };
  const { kind, areas } = arrangement;
  const isLevel = kind === 'beside' && areas.some(({ daemon }) => isTroubled(states[daemon]));
  const rooms = areas.flatMap(({ daemon, size: area }) => {
    const state = states[daemon];
    const snapshot = state === undefined ? undefined : snapshotOf(state);
    if (state === undefined || snapshot === undefined) return [];
    const list = tab === 'store' ? snapshot.store.expiring : snapshot[tab];
    const above = [
      states.length > 1 ? 1 : 0,
      isTroubled(state) || isLevel ? 1 : 0,
      // The panel's title and the titles of the columns.
      2,
      tab === 'store' ? storeHead(snapshot.store, area.width, signs).length : 0,
    ];
    const height = above.reduce((left, lines) => left - lines, area.height);
    return [room(filtered<(typeof list)[number]>(list, view.filter.text).length, height)];
  });
  return rooms.reduce(
    (left, right) => (right.most > left.most ? right : left),
    rooms[0] ?? { page: 1, most: 0 },
  );
}

function room(entries: number, lines: number): ScrollRoom {
  const page = Math.max(1, lines);
  return { page, most: Math.max(0, entries - page) };
}
