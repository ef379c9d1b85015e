import { fittingNote } from './chrome.ts';
import { count } from './figures.ts';
import { filtered } from './filter.ts';
import { line, span } from './line.ts';
import type { PanelContent, PanelOptions } from './panel-content.ts';
import { chosenOrder, type List, type Lists, sorted } from './sort.ts';
import { type Column, tableLines } from './table.ts';

export interface ListPanel<L extends List> {
  readonly title: string;
  readonly list: L;
  readonly items: readonly Lists[L][];
  readonly columns: readonly Column<Lists[L]>[];
  /** What it says where there is nothing. */
  readonly empty: string;
  /** What is told of all that match, beside their number. */
  readonly summary?: (items: readonly Lists[L][]) => string;
}

/** A list as a panel: filtered, sorted, scrolled. */
export function listPanel<L extends List>(
  { title, list, items, columns, empty, summary }: ListPanel<L>,
  { width, height, signs, filter, sort, offset }: PanelOptions,
): PanelContent {
  const matching = sorted(list, filtered(items, filter), sort[list]);
  const room = Math.max(0, height - 1);
  const from = Math.min(offset, Math.max(0, matching.length - room));
  const shown = matching.slice(from, from + room);
  const { order, isReversed } = sort[list];
  const { name, reversed } = chosenOrder(list, order);
  const range = `${from + 1} to ${from + shown.length}`;
  const isPart = shown.length < matching.length;
  const all = count(items.length);
  const number =
    filter.trim() === ''
      ? `${isPart ? `${range} of ` : ''}${all}`
      : `${isPart ? `${range} of ` : ''}${matching.length} that match, of ${all}`;
  const note = fittingNote(
    [
      number,
      isReversed ? reversed : name,
      ...(summary === undefined || matching.length === 0 ? [] : [summary(matching)]),
    ],
    width - title.length,
    signs,
  );
  if (items.length === 0) return { title, note: '', lines: [line(' ', span(empty, 'dim'))] };
  if (matching.length === 0) {
    return { title, note, lines: [line(' ', span(`nothing here matches ${filter.trim()}`, 'dim'))] };
  }
  return {
    title,
    note,
    lines: tableLines(columns, shown, { width, signs, sort: { order: name, isReversed } }),
  };
}
