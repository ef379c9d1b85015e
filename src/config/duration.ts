import { type Parsed, parsed, quoteValue, unparsable } from './parsed.ts';

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5, the micro sign
  μs: 1e3, // U+03BC, the Greek letter
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const TERM = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const WHOLE = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
/** Go keeps durations in 64 bits: about 292 years. */
const MAX_NANOSECONDS = 2 ** 63;

/**
 * Reads a duration as Go's `time.ParseDuration` does (`24h`, `1h30m`, `1.5s`), or a bare integer of nanoseconds.
 * @returns milliseconds, whole ones; never negative. Less than a millisecond is refused, save 0: nothing here can
 * be meant to take so little, but `60` is easily written for `60s`.
 */
export function parseDuration(text: string): Parsed<number> {
  const trimmed = text.trim();
  if (trimmed.startsWith('-')) {
    return unparsable(`${quoteValue(text)} is less than nothing; write a duration such as 24h or 90m`);
  }
  const nanoseconds = countNanoseconds(trimmed.replace(/^\+/, ''));
  if (nanoseconds === undefined) {
    return unparsable(
      `${quoteValue(text)} is no duration; write numbers with units (ns us ms s m h), such as 24h or 1h30m`,
    );
  }
  if (nanoseconds >= MAX_NANOSECONDS) {
    return unparsable(`${quoteValue(text)} is longer than 292 years; leave the key out for no limit`);
  }
  if (nanoseconds > 0 && nanoseconds < 1e6) {
    return unparsable(
      `${quoteValue(text)} is less than a millisecond (a bare number counts nanoseconds); write the unit, such as 60s`,
    );
  }
  return parsed(Math.round(nanoseconds / 1e6));
}

function countNanoseconds(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  if (!WHOLE.test(text)) return undefined;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(TERM)) sum += Number(number) * (NANOSECONDS[unit ?? ''] ?? 0);
  return sum;
}

/** Writes whole milliseconds as {@link parseDuration} reads them, with the largest unit that divides them. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  if (milliseconds % 3_600_000 === 0) return `${milliseconds / 3_600_000}h`;
  if (milliseconds % 60_000 === 0) return `${milliseconds / 60_000}m`;
  if (milliseconds % 1000 === 0) return `${milliseconds / 1000}s`;
  return `${milliseconds}ms`;
}
