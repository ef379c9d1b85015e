import { type Line, lineText, type Tone } from './line.ts';

/** Turns a line into what is written to a terminal. */
export type Paint = (line: Line) => string;

/** The 16 colours of every terminal, so that they are the user's own. */
const CODES: Readonly<Record<Tone, readonly [on: string, off: string] | undefined>> = {
  plain: undefined,
  dim: ['2', '22'],
  bold: ['1', '22'],
  good: ['32', '39'],
  warn: ['33', '39'],
  bad: ['31', '39'],
  accent: ['36', '39'],
  chosen: ['7', '27'],
  softGood: ['2;32', '22;39'],
  softAccent: ['2;36', '22;39'],
};

/** @param isColoured without, a line is its text alone */
export function painter(isColoured: boolean): Paint {
  if (!isColoured) return lineText;
  return (line) =>
    line
      .map(({ text, tone }) => {
        const codes = CODES[tone];
        const isSeen = codes !== undefined && (tone === 'chosen' || text.trim() !== '');
        return isSeen ? `\u001B[${codes[0]}m${text}\u001B[${codes[1]}m` : text;
      })
      .join('');
}
