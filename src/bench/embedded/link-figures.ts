import { parseDuration } from '../../config/duration.ts';
import { type Parsed, parsed, quoteValue, unparsable } from '../../config/parsed.ts';

/** What a link does to what passes it. */
export interface LinkFigures {
  readonly roundTripMs: number;
  readonly rateBitsPerSecond: number;
  /** 0 to 1. */
  readonly lossRatio: number;
  readonly jitterMs: number;
}

const BITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const RATE = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:bit|bps)(?:\/s)?$/i;
const LOSS = /^(\d+(?:\.\d+)?)\s*%$/;

/** Reads `100mbit`, `1.5gbit`, `64kbit/s`: bits a second. */
export function parseRate(text: string): Parsed<number> {
  const match = RATE.exec(text.trim());
  const rate = Number(match?.[1]) * (BITS[(match?.[2] ?? '').toLowerCase()] ?? Number.NaN);
  if (match === null || !(rate > 0))
    return unparsable(`${quoteValue(text)} is no rate; write bits a second, such as 100mbit`);
  return parsed(rate);
}

/** Reads `0.5%`: a share of segments, from 0 to 1. */
function parseLoss(text: string): Parsed<number> {
  const percent = Number(LOSS.exec(text.trim())?.[1] ?? Number.NaN);
  if (!(percent >= 0 && percent < 100))
    return unparsable(`${quoteValue(text)} is no loss; write a percentage below 100, such as 0.5%`);
  return parsed(percent / 100);
}

const READERS = {
  rtt: parseDuration,
  rate: parseRate,
  loss: parseLoss,
  jitter: parseDuration,
} as const;
const FIELDS = {
  rtt: 'roundTripMs',
  rate: 'rateBitsPerSecond',
  loss: 'lossRatio',
  jitter: 'jitterMs',
} as const;

/** Reads `rtt:150ms,rate:100mbit,loss:0.5%,jitter:3ms`, any of them. */
export function parseLinkFigures(text: string): Parsed<Partial<LinkFigures>> {
  const figures: Partial<Record<keyof LinkFigures, number>> = {};
  for (const part of text.split(',')) {
    const [key = '', ...rest] = part.split(':');
    const name = key.trim();
    if (name !== 'rtt' && name !== 'rate' && name !== 'loss' && name !== 'jitter') {
      return unparsable(
        `${quoteValue(part)} is no figure of a link; write rtt:150ms, rate:100mbit, loss:0.5% or jitter:3ms`,
      );
    }
    if (figures[FIELDS[name]] !== undefined) return unparsable(`has ${name} twice`);
    const value = READERS[name](rest.join(':'));
    if (!value.ok) return unparsable(`${name}: ${value.problem}`);
    figures[FIELDS[name]] = value.value;
  }
  return parsed(figures);
}

/** Several links in a row, as one. */
export function inARow(links: readonly LinkFigures[]): LinkFigures {
  return {
    roundTripMs: links.reduce((sum, link) => sum + link.roundTripMs, 0),
    rateBitsPerSecond: Math.min(...links.map((link) => link.rateBitsPerSecond)),
    lossRatio: 1 - links.reduce((kept, link) => kept * (1 - link.lossRatio), 1),
    jitterMs: links.reduce((sum, link) => sum + link.jitterMs, 0),
  };
}
