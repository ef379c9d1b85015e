import { fixed, svgText } from './html-text.ts';
import { duration } from './units.ts';

/** Times along a drawing, from 0 on. */
export interface TimeAxis {
  readonly toX: (milliseconds: number) => number;
  /** Lines and times from `top` to `bottom`. */
  readonly draw: (top: number, bottom: number) => string;
}

const STEPS = [1, 2, 5];
const TICKS = 6;

export function timeAxis(mostMs: number, left: number, right: number): TimeAxis {
  const most = Math.max(1, mostMs);
  const step = stepOf(most / TICKS);
  const toX = (milliseconds: number): number => left + (Math.max(0, milliseconds) / most) * (right - left);
  return {
    toX,
    draw: (top, bottom) => {
      const lines: string[] = [];
      for (let atMs = 0; atMs <= most * 1.0001; atMs += step) {
        const x = fixed(toX(atMs));
        lines.push(
          `<line x1="${x}" x2="${x}" y1="${fixed(top)}" y2="${fixed(bottom)}" class="grid"/>`,
          svgText(toX(atMs), bottom + 14, atMs === 0 ? '0' : duration(atMs), { at: 'middle', kind: 'quiet' }),
        );
      }
      return lines.join('');
    },
  };
}

/** The next one up of 1, 2, 5, 10, 20, 50 and so on. */
function stepOf(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return (STEPS.find((step) => step * power >= least) ?? 10) * power;
}
