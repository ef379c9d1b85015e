import { boolYaml11Tag, NOT_RESOLVED } from 'js-yaml';
import { z } from 'zod';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { PlainScalar } from './config-node.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { type Parsed, parsed, quoteValue, unparsable } from './parsed.ts';
import { didYouMean } from './suggestion.ts';

/** What a value is, in the words of a message. */
export function describeKind(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null && !(value instanceof PlainScalar)) return 'a mapping';
  return 'text';
}

/** The number of a scalar that YAML takes for one (`0x10`, `1_000`), else its text. */
function numberOrText(value: string | PlainScalar): string {
  if (typeof value === 'string') return value;
  return Number.isSafeInteger(value.value) ? String(value.value) : value.text;
}

/**
 * A scalar of config.yml. It decodes from what YAML gave, and encodes to what would be written in its place.
 * @param word what it is called where a list or a mapping stands instead
 */
function scalar<T>(
  word: string,
  output: z.ZodType<T, T>,
  read: (value: string | PlainScalar) => Parsed<T>,
  write: (value: T) => unknown,
) {
  return z
    .codec(z.unknown(), output, {
      decode: (value, context) => {
        const result = readScalar(word, value, read);
        if (result.ok) return result.value;
        context.issues.push({ code: 'custom', message: result.problem, input: undefined });
        return z.NEVER;
      },
      encode: write,
    })
    .meta({ word });
}

function readScalar<T>(
  word: string,
  value: unknown,
  read: (value: string | PlainScalar) => Parsed<T>,
): Parsed<T> {
  if (value === undefined) return unparsable('is required');
  if (typeof value === 'string' || value instanceof PlainScalar) return read(value);
  return unparsable(`must be ${word}, is ${describeKind(value)}`);
}

/** Text as written; empty is as good as absent only where a key says so. */
export const text = scalar(
  'text',
  z.string(),
  (value) => {
    const written = typeof value === 'string' ? value : value.text;
    return written === '' ? unparsable('must not be empty; leave the key out') : parsed(written);
  },
  (value) => value,
);

/** Text that may be empty, which is as if it was left out. No message shows it. */
export const secret = scalar(
  'text',
  z.string(),
  (value) => parsed(typeof value === 'string' ? value : value.text),
  (value) => value,
);

/** Text that a parser turns into what it means. */
export function textOf<T>(
  output: z.ZodType<T, T>,
  read: (text: string) => Parsed<T>,
  write: (value: T) => unknown,
) {
  return scalar('text', output, (value) => read(typeof value === 'string' ? value : value.text), write);
}

/** YAML 1.1's booleans: `true`, `yes`, `on` and their opposites. */
export const flag = scalar(
  'true or false',
  z.boolean(),
  (value) => {
    if (value instanceof PlainScalar && typeof value.value === 'boolean') return parsed(value.value);
    const written = typeof value === 'string' ? value : value.text;
    const resolved = boolYaml11Tag.resolve(written, false, boolYaml11Tag.tagName);
    if (resolved !== NOT_RESOLVED) return parsed(resolved);
    return unparsable(`${quoteValue(written)} is neither true nor false; write one of them`);
  },
  (value) => value,
);

/** A whole number of at least `minimum`. */
export function count(minimum: number) {
  return scalar(
    'a number',
    z.number(),
    (value) => {
      const written = numberOrText(value);
      const number = /^-?\d{1,15}$/.test(written) ? Number(written) : Number.NaN;
      if (number >= minimum) return parsed(number);
      return unparsable(`${quoteValue(written)} is no whole number of at least ${minimum}; write one`);
    },
    (value) => value,
  );
}

/** A Go duration, in milliseconds. */
export const duration = scalar(
  'a duration',
  z.number(),
  (value) => parseDuration(numberOrText(value)),
  formatDuration,
);

/** The most that Node's timers can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A Go duration that a timer waits for, in milliseconds: `minimumMs` at least, 24 days at most. */
export function timeout(minimumMs: number) {
  return scalar(
    'a duration',
    z.number(),
    (value) => {
      const result = parseDuration(numberOrText(value));
      if (!result.ok || (result.value >= minimumMs && result.value <= MAX_TIMER_MS)) return result;
      const shown = quoteValue(numberOrText(value));
      return unparsable(
        result.value > MAX_TIMER_MS
          ? `${shown} is longer than 24 days; write less`
          : `${shown} is too short; write more`,
      );
    },
    formatDuration,
  );
}

/** A size in bytes, at least `minimum`. */
export function byteSize(minimum: number) {
  return scalar(
    'a size',
    z.number(),
    (value) => {
      const result = parseByteSize(numberOrText(value));
      if (!result.ok || result.value >= minimum) return result;
      return unparsable(
        `${quoteValue(numberOrText(value))} is too small; write at least ${formatByteSize(minimum)}`,
      );
    },
    formatByteSize,
  );
}

/** One of some words. `refused` words get their own message. */
export function choice<const T extends string>(
  words: readonly T[],
  refused: Readonly<Record<string, string>> = {},
) {
  return textOf<T>(
    z.enum(words),
    (written) => {
      const word = words.find((candidate) => candidate === written.toLowerCase());
      if (word !== undefined) return parsed(word);
      const reason = Object.hasOwn(refused, written.toLowerCase())
        ? refused[written.toLowerCase()]
        : undefined;
      if (reason !== undefined) return unparsable(`${quoteValue(written)} ${reason}`);
      return unparsable(`${quoteValue(written)} is unknown${didYouMean(written, words)}`);
    },
    (word) => word,
  );
}

/** A mapping of anything, its scalars as YAML reads them. */
export const freeMapping = z.codec(z.unknown(), z.record(z.string(), z.unknown()), {
  decode: (value, context) => {
    const free = unwrap(value);
    if (typeof free === 'object' && free !== null && !Array.isArray(free)) return { ...free };
    context.issues.push({
      code: 'custom',
      message: `must be a mapping, is ${describeKind(value)}`,
      input: undefined,
    });
    return z.NEVER;
  },
  encode: (value) => value,
});

function unwrap(value: unknown): unknown {
  if (value instanceof PlainScalar) return value.value;
  if (Array.isArray(value)) return value.map(unwrap);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, unwrap(child)]));
}
