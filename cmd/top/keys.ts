import { TABS, type View, type ViewAction } from './view.ts';

/** What a key asks for: a change of the view, as far as the key alone tells it, or something beside. */
export type KeyAction =
  | Exclude<ViewAction, { kind: 'scroll' | 'next-daemon' }>
  /** In lines, or in screens of the list. */
  | { readonly kind: 'scroll'; readonly by: number; readonly unit: 'line' | 'page' }
  | { readonly kind: 'next-daemon' }
  | { readonly kind: 'pause' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'quit' };

/** A key as Ink tells it, as far as it matters here. */
export type Key = Readonly<
  Partial<
    Record<
      | 'upArrow'
      | 'downArrow'
      | 'leftArrow'
      | 'rightArrow'
      | 'pageUp'
      | 'pageDown'
      | 'home'
      | 'end'
      | 'return'
      | 'escape'
      | 'tab'
      | 'shift'
      | 'ctrl'
      | 'meta'
      | 'backspace'
      | 'delete',
      boolean
    >
  >
>;

const LONGEST_FILTER = 100;

/** A key that was pressed, with what it typed. */
export interface Press {
  readonly input: string;
  readonly key: Key;
}

/** The keys of one piece of input: whoever types fast, pastes or sends keys by a program has several in it. */
export function pressesOf(input: string, key: Key): readonly Press[] {
  if (input.length < 2) return [{ input, key }];
  return Array.from(input, (letter) => CONTROLS.get(letter) ?? { input: letter, key: {} });
}

const CONTROLS: ReadonlyMap<string, Press> = new Map<string, Press>([
  ['\r', { input: '', key: { return: true } }],
  ['\n', { input: '', key: { return: true } }],
  ['\t', { input: '', key: { tab: true } }],
  ['\u007F', { input: '', key: { backspace: true } }],
  ['\b', { input: '', key: { backspace: true } }],
  ['\u0003', { input: 'c', key: { ctrl: true } }],
]);

/** @returns undefined where the key means nothing here */
export function keyAction(input: string, key: Key, view: View): KeyAction | undefined {
  if (key.ctrl === true && input === 'c') return { kind: 'quit' };
  if (key.ctrl === true && input === 'z') return { kind: 'suspend' };
  if (key.escape === true) return { kind: 'escape' };
  if (view.filter.isEdited) return filterKey(input, key, view.filter.text);
  return moveKey(key) ?? letterKey(input, key);
}

function filterKey(input: string, key: Key, text: string): KeyAction | undefined {
  if (key.return === true) return { kind: 'keep-filter' };
  if (key.backspace === true || key.delete === true) return { kind: 'filter', text: text.slice(0, -1) };
  if (key.ctrl === true) return input === 'u' ? { kind: 'filter', text: '' } : undefined;
  if (key.meta === true) return undefined;
  // oxlint-disable-next-line no-control-regex -- a pasted line ends with one
  const typed = input.replaceAll(/[\u0000-\u001F\u007F]/g, '');
  return typed === '' ? undefined : { kind: 'filter', text: `${text}${typed}`.slice(0, LONGEST_FILTER) };
}

function moveKey(key: Key): KeyAction | undefined {
  if (key.upArrow === true) return { kind: 'scroll', by: -1, unit: 'line' };
  if (key.downArrow === true) return { kind: 'scroll', by: 1, unit: 'line' };
  if (key.pageUp === true) return { kind: 'scroll', by: -1, unit: 'page' };
  if (key.pageDown === true) return { kind: 'scroll', by: 1, unit: 'page' };
  if (key.home === true) return { kind: 'scroll', by: -Infinity, unit: 'line' };
  if (key.end === true) return { kind: 'scroll', by: Infinity, unit: 'line' };
  if (key.tab === true) return { kind: 'turn-tab', by: key.shift === true ? -1 : 1 };
  if (key.leftArrow === true) return { kind: 'turn-tab', by: -1 };
  if (key.rightArrow === true) return { kind: 'turn-tab', by: 1 };
  return undefined;
}

function letterKey(input: string, key: Key): KeyAction | undefined {
  if (key.ctrl === true || key.meta === true) return undefined;
  const tab = TABS[Number(input) - 1];
  if (tab !== undefined) return { kind: 'tab', tab };
  switch (input) {
    case 'q':
      return { kind: 'quit' };
    case 'p':
    case ' ':
      return { kind: 'pause' };
    case '?':
    case 'h':
      return { kind: 'help' };
    case 's':
      return { kind: 'sort' };
    case 'S':
      return { kind: 'reverse' };
    case '/':
      return { kind: 'edit-filter' };
    case 'j':
      return { kind: 'scroll', by: 1, unit: 'line' };
    case 'k':
      return { kind: 'scroll', by: -1, unit: 'line' };
    case 'd':
      return { kind: 'next-daemon' };
    default:
      return undefined;
  }
}
