import { printable } from '../../src/control/printable.ts';
import type { Signs } from './signs.ts';

/** How a piece of text stands out; what it means must not hang on that alone. */
export type Tone =
  | 'plain'
  | 'dim'
  | 'bold'
  | 'good'
  | 'warn'
  | 'bad'
  | 'accent'
  | 'chosen'
  /** As `good` and `accent`, for what fills an area. */
  | 'softGood'
  | 'softAccent';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of the screen: a cell for each character. */
export type Line = readonly Span[];

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: printable(text), tone };
}

export function line(...pieces: readonly (string | Span)[]): Line {
  return pieces.map((piece) => (typeof piece === 'string' ? span(piece) : piece));
}

export function lineWidth(pieces: Line): number {
  return pieces.reduce((width, { text }) => width + text.length, 0);
}

/** What the line says, without how it stands out. */
export function lineText(pieces: Line): string {
  return pieces.map(({ text }) => text).join('');
}

export interface Fit {
  readonly width: number;
  readonly align?: 'left' | 'right';
  /** Where text that is too long is cut; the middle keeps both ends of a digest or a repository's name. */
  readonly shorten?: 'middle' | 'end';
}

/** A line of exactly this width: cut or filled up with blanks. */
export function fitLine(pieces: Line, { width, align = 'left', shorten = 'end' }: Fit, signs: Signs): Line {
  const lack = width - lineWidth(pieces);
  if (lack > 0) {
    const blank = span(' '.repeat(lack));
    return align === 'left' ? [...pieces, blank] : [blank, ...pieces];
  }
  if (lack === 0) return pieces;
  const [only, ...others] = pieces;
  if (only !== undefined && others.length === 0) {
    return [{ ...only, text: shortened(only.text, width, shorten, signs) }];
  }
  return cut(pieces, width, signs);
}

/** A text of at most this width. */
export function shortened(text: string, width: number, where: 'middle' | 'end', signs: Signs): string {
  if (text.length <= width) return text;
  const room = width - signs.more.length;
  if (room <= 0) return text.slice(0, Math.max(0, width));
  const tail = where === 'middle' ? Math.floor(room / 2) : 0;
  return `${text.slice(0, room - tail)}${signs.more}${text.slice(text.length - tail)}`;
}

function cut(pieces: Line, width: number, signs: Signs): Line {
  const kept: Span[] = [];
  let room = Math.max(0, width - signs.more.length);
  for (const piece of pieces) {
    if (piece.text.length > room) {
      kept.push({ ...piece, text: `${piece.text.slice(0, room)}${signs.more}`.slice(0, width) });
      return kept;
    }
    kept.push(piece);
    room -= piece.text.length;
  }
  return kept;
}
