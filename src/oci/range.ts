/** Bytes `start` to `end`, both included, as in RFC 9110 section 14.1.2. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One element of a `Range` field, before the length of the content is known. */
export type RangeSpec =
  | { readonly kind: 'from'; readonly start: number; readonly end: number | undefined }
  | { readonly kind: 'suffix'; readonly length: number };

/** What a `Range` field asks for of content of a known length. */
export type RangeAnswer =
  | { readonly kind: 'full' }
  | { readonly kind: 'partial'; readonly range: ByteRange }
  | { readonly kind: 'several'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'unsatisfiable' };

const SPEC = /^(\d+)-(\d+)?$|^-(\d+)$/;

/**
 * Parses a `Range` field (RFC 9110 section 14.2).
 * @returns undefined where the field is to be ignored: another unit, bad syntax, `9-3`
 */
export function parseRange(field: string): readonly RangeSpec[] | undefined {
  const match = /^bytes=(.*)$/i.exec(field.trim());
  if (match === null) return undefined;
  const specs: RangeSpec[] = [];
  for (const part of (match[1] ?? '').split(',')) {
    if (part.trim() === '') continue;
    const spec = parseSpec(part.trim());
    if (spec === undefined) return undefined;
    specs.push(spec);
  }
  return specs.length === 0 ? undefined : specs;
}

function parseSpec(text: string): RangeSpec | undefined {
  const match = SPEC.exec(text);
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) return { kind: 'suffix', length: position(suffix) };
  const start = position(first ?? '');
  const end = last === undefined ? undefined : position(last);
  return end !== undefined && end < start ? undefined : { kind: 'from', start, end };
}

/** Clients write `0-18446744073709551615` for "to the end"; no content reaches so far. */
function position(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

/**
 * Answers a `Range` field for content of `sizeBytes`. Of several ranges, those beyond the end are left out. Ranges that
 * together ask for more than the content holds overlap: they get the whole content, which RFC 9110 section 14.2
 * allows, so that a short request never costs more than that.
 */
export function resolveRange(specs: readonly RangeSpec[] | undefined, sizeBytes: number): RangeAnswer {
  if (specs === undefined) return { kind: 'full' };
  const ranges = specs.map((spec) => clip(spec, sizeBytes)).filter((range) => range !== undefined);
  const [range] = ranges;
  if (range === undefined) return { kind: 'unsatisfiable' };
  if (ranges.length === 1) return { kind: 'partial', range };
  const askedBytes = ranges.reduce((sum, { start, end }) => sum + end + 1 - start, 0);
  return askedBytes > sizeBytes ? { kind: 'full' } : { kind: 'several', ranges };
}

function clip(spec: RangeSpec, sizeBytes: number): ByteRange | undefined {
  if (spec.kind === 'suffix') {
    if (spec.length === 0 || sizeBytes === 0) return undefined;
    return { start: Math.max(0, sizeBytes - spec.length), end: sizeBytes - 1 };
  }
  if (spec.start >= sizeBytes) return undefined;
  return { start: spec.start, end: Math.min(spec.end ?? sizeBytes - 1, sizeBytes - 1) };
}

/** `bytes 0-99/200` (RFC 9110 section 14.4). */
export function formatContentRange(range: ByteRange, sizeBytes: number): string {
  return `bytes ${range.start}-${range.end}/${sizeBytes}`;
}

/** What a `Content-Range` field says: the range, and the whole length (undefined for `*`). */
export interface ContentRange {
  readonly range: ByteRange;
  readonly sizeBytes: number | undefined;
}

/** Reads a `Content-Range` field; undefined where it is malformed. */
export function parseContentRange(field: string): ContentRange | undefined {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(field.trim());
  if (match === null) return undefined;
  const start = Number(match[1]);
  const end = Number(match[2]);
  const sizeBytes = match[3] === '*' ? undefined : Number(match[3]);
  if (!Number.isSafeInteger(end) || end < start) return undefined;
  if (sizeBytes !== undefined && (!Number.isSafeInteger(sizeBytes) || end >= sizeBytes)) return undefined;
  return { range: { start, end }, sizeBytes };
}
