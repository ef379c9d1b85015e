import { type Line, span, type Tone } from './line.ts';
import type { Signs } from './signs.ts';

/** A part of a meter, from 0 to 1. */
export interface MeterPart {
  readonly share: number;
  readonly tone: Tone;
  readonly sign: 'full' | 'other';
}

/** A bar of exactly this width, its parts one after the other from the left. */
export function meter(parts: readonly MeterPart[], width: number, signs: Signs): Line {
  let reached = 0;
  let drawn = 0;
  const pieces = parts.map(({ share, tone, sign }) => {
    reached = Math.min(1, reached + Math.max(0, Number.isFinite(share) ? share : 0));
    const until = Math.round(reached * width);
    const text = signs[sign].repeat(until - drawn);
    drawn = until;
    return span(text, tone);
  });
  return [...pieces, span(signs.free.repeat(width - drawn), 'dim')].filter(({ text }) => text !== '');
}
