import { describe, expect, test } from 'vitest';
import { keyAction, pressesOf } from './keys.ts';
import { ORDERS } from './sort.ts';
import { changeView, FIRST_VIEW, type View, type ViewAction } from './view.ts';

const typing: View = { ...FIRST_VIEW, filter: { text: 'al', isEdited: true } };

function after(view: View, ...actions: readonly ViewAction[]): View {
  return actions.reduce(changeView, view);
}

describe('a key', () => {
  test.each([
    ['q', {}, { kind: 'quit' }],
    ['c', { ctrl: true }, { kind: 'quit' }],
    ['z', { ctrl: true }, { kind: 'suspend' }],
    ['', { escape: true }, { kind: 'escape' }],
    ['1', {}, { kind: 'tab', tab: 'overview' }],
    ['6', {}, { kind: 'tab', tab: 'pulls' }],
    ['7', {}, undefined],
    ['0', {}, undefined],
    ['', { tab: true }, { kind: 'turn-tab', by: 1 }],
    ['', { tab: true, shift: true }, { kind: 'turn-tab', by: -1 }],
    ['', { rightArrow: true }, { kind: 'turn-tab', by: 1 }],
    ['', { leftArrow: true }, { kind: 'turn-tab', by: -1 }],
    ['', { downArrow: true }, { kind: 'scroll', by: 1, unit: 'line' }],
    ['', { upArrow: true }, { kind: 'scroll', by: -1, unit: 'line' }],
    ['j', {}, { kind: 'scroll', by: 1, unit: 'line' }],
    ['k', {}, { kind: 'scroll', by: -1, unit: 'line' }],
    ['', { pageDown: true }, { kind: 'scroll', by: 1, unit: 'page' }],
    ['', { pageUp: true }, { kind: 'scroll', by: -1, unit: 'page' }],
    ['', { home: true }, { kind: 'scroll', by: -Infinity, unit: 'line' }],
    ['', { end: true }, { kind: 'scroll', by: Infinity, unit: 'line' }],
    ['p', {}, { kind: 'pause' }],
    [' ', {}, { kind: 'pause' }],
    ['?', {}, { kind: 'help' }],
    ['h', {}, { kind: 'help' }],
    ['s', {}, { kind: 'sort' }],
    ['S', { shift: true }, { kind: 'reverse' }],
    ['/', {}, { kind: 'edit-filter' }],
    ['d', {}, { kind: 'next-daemon' }],
    ['x', {}, undefined],
    ['s', { meta: true }, undefined],
    ['s', { ctrl: true }, undefined],
  ])('%j with %o asks for %o', (input, key, action) => {
    expect(keyAction(input, key, FIRST_VIEW)).toEqual(action);
  });

  test.each([
    ['q', {}, { kind: 'filter', text: 'alq' }],
    ['/', {}, { kind: 'filter', text: 'al/' }],
    ['pine\n', {}, { kind: 'filter', text: 'alpine' }],
    ['', { backspace: true }, { kind: 'filter', text: 'a' }],
    ['', { delete: true }, { kind: 'filter', text: 'a' }],
    ['u', { ctrl: true }, { kind: 'filter', text: '' }],
    ['x'.repeat(200), {}, { kind: 'filter', text: `al${'x'.repeat(98)}` }],
    ['', { return: true }, { kind: 'keep-filter' }],
    ['', { escape: true }, { kind: 'escape' }],
    ['', { upArrow: true }, undefined],
    ['q', { meta: true }, undefined],
    ['c', { ctrl: true }, { kind: 'quit' }],
  ])('%j with %o, while a filter is typed, asks for %o', (input, key, action) => {
    expect(keyAction(input, key, typing)).toEqual(action);
  });
});

test('keys that come in one piece are pressed one after the other', () => {
  const presses = (input: string): unknown => pressesOf(input, {}).map(({ input: text, key }) => [text, key]);
  expect(presses('6s')).toEqual([
    ['6', {}],
    ['s', {}],
  ]);
  expect(presses('/é\r\t\u007F\u0003')).toEqual([
    ['/', {}],
    ['é', {}],
    ['', { return: true }],
    ['', { tab: true }],
    ['', { backspace: true }],
    ['c', { ctrl: true }],
  ]);
  expect(pressesOf('', { upArrow: true })).toEqual([{ input: '', key: { upArrow: true } }]);
});

describe('the view', () => {
  test('goes round the tabs, both ways, and begins each list at its beginning', () => {
    const scrolled = { ...FIRST_VIEW, offset: 9 };
    expect(after(scrolled, { kind: 'turn-tab', by: -1 })).toMatchObject({ tab: 'pulls', offset: 0 });
    expect(after(scrolled, { kind: 'turn-tab', by: -1 }, { kind: 'turn-tab', by: 1 }).tab).toBe('overview');
    expect(after(scrolled, { kind: 'tab', tab: 'store' })).toMatchObject({ tab: 'store', offset: 0 });
  });

  test('sorts the list of its tab, each in its own way, and comes back to the first order', () => {
    const pulls = after(FIRST_VIEW, { kind: 'tab', tab: 'pulls' }, { kind: 'sort' });
    expect(pulls.sort.pulls).toEqual({ order: 1, isReversed: false });
    expect(pulls.sort.fills).toEqual({ order: 0, isReversed: false });
    const round = after(pulls, ...ORDERS.pulls.slice(1).map(() => ({ kind: 'sort' as const })));
    expect(round.sort.pulls.order).toBe(0);
  });

  test('turns an order round and back, and a new order is never reversed', () => {
    const reversed = after(FIRST_VIEW, { kind: 'reverse' });
    expect(reversed.sort.repositories).toEqual({ order: 0, isReversed: true });
    expect(after(reversed, { kind: 'reverse' }).sort.repositories.isReversed).toBe(false);
    expect(after(reversed, { kind: 'sort' }).sort.repositories).toEqual({ order: 1, isReversed: false });
  });

  test('escape closes the help first, then clears the filter', () => {
    const both = { ...FIRST_VIEW, isHelp: true, filter: { text: 'al', isEdited: false } };
    const closed = after(both, { kind: 'escape' });
    expect(closed).toMatchObject({ isHelp: false, filter: { text: 'al' } });
    expect(after(closed, { kind: 'escape' }).filter).toEqual({ text: '', isEdited: false });
    expect(after(typing, { kind: 'escape' }).filter).toEqual({ text: '', isEdited: false });
  });

  test('keeps a filter without the blanks around it', () => {
    const typed = after(FIRST_VIEW, { kind: 'edit-filter' }, { kind: 'filter', text: ' alpine ' });
    expect(typed.filter).toEqual({ text: ' alpine ', isEdited: true });
    expect(after(typed, { kind: 'keep-filter' }).filter).toEqual({ text: 'alpine', isEdited: false });
  });

  test('scrolls as far as there is something, and no further', () => {
    const end = after(FIRST_VIEW, { kind: 'scroll', by: Infinity, most: 90 });
    expect(end.offset).toBe(90);
    expect(after(end, { kind: 'scroll', by: -1, most: 90 }).offset).toBe(89);
    expect(after(end, { kind: 'scroll', by: -Infinity, most: 90 }).offset).toBe(0);
  });

  test('goes through the daemons and back to all of them', () => {
    const next: ViewAction = { kind: 'next-daemon', count: 2 };
    expect(after(FIRST_VIEW, next).daemon).toBe(0);
    expect(after(FIRST_VIEW, next, next).daemon).toBe(1);
    expect(after(FIRST_VIEW, next, next, next).daemon).toBe('all');
    expect(after(FIRST_VIEW, { kind: 'next-daemon', count: 1 }).daemon).toBe('all');
  });
});
