import { type Parsed, parsed, quoteValue, unparsable } from './parsed.ts';

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  pb: 1e15,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
  pib: 2 ** 50,
};
const BINARY_UNITS = ['PiB', 'TiB', 'GiB', 'MiB', 'KiB'];
const SIZE = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;

/** Reads a size: `200GB` (10^9), `1TiB` (2^40), or a bare number of bytes. Returns whole bytes. */
export function parseByteSize(text: string): Parsed<number> {
  const match = SIZE.exec(text.trim());
  const unit = BYTES[(match?.[2] ?? '').toLowerCase() || 'b'];
  if (match === null || unit === undefined) {
    return unparsable(
      `${quoteValue(text)} is no size; write a number of bytes, or one with a unit such as 500MB or 16KiB`,
    );
  }
  const bytes = Math.round(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? parsed(bytes) : unparsable(`${quoteValue(text)} is too large`);
}

/** Writes bytes as {@link parseByteSize} reads them, with the largest binary unit that divides them. */
export function formatByteSize(sizeBytes: number): string {
  const unit = BINARY_UNITS.find(
    (name) => sizeBytes > 0 && sizeBytes % (BYTES[name.toLowerCase()] ?? 1) === 0,
  );
  return unit === undefined ? `${sizeBytes}B` : `${sizeBytes / (BYTES[unit.toLowerCase()] ?? 1)}${unit}`;
}
