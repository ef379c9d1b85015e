/** Says where a value is not as it should be, as in `store.blobs`; undefined: it is. */
export type Shape = (value: unknown, at: string) => string | undefined;

/** No disk and no count is larger; some file systems say that they have 2^63 bytes. */
const MOST = 1e24;
const MOST_DATE_MS = 8.64e15;

export const text: Shape = (value, at) => (typeof value === 'string' ? undefined : at);

export const truth: Shape = (value, at) => (typeof value === 'boolean' ? undefined : at);

/** A number, of whatever sign, that can be counted with. */
export const number: Shape = (value, at) =>
  typeof value === 'number' && Math.abs(value) <= MOST ? undefined : at;

/** A moment in milliseconds since the epoch. */
export const moment: Shape = (value, at) =>
  typeof value === 'number' && Math.abs(value) <= MOST_DATE_MS ? undefined : at;

export function oneOf(...words: readonly string[]): Shape {
  return (value, at) => (typeof value === 'string' && words.includes(value) ? undefined : at);
}

export function optional(shape: Shape): Shape {
  return (value, at) => (value === undefined ? undefined : shape(value, at));
}

export function listOf(shape: Shape): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return at;
    return firstWrong(value, (each, index) => shape(each, `${at}[${index}]`));
  };
}

export function recordOf(shape: Shape): Shape {
  return (value, at) =>
    isRecord(value) ? firstWrong(Object.entries(value), ([key, each]) => shape(each, `${at}.${key}`)) : at;
}

/** Has these fields; others may come with a newer release. */
export function fields(shapes: Readonly<Record<string, Shape>>): Shape {
  const entries = Object.entries(shapes);
  return (value, at) =>
    isRecord(value)
      ? firstWrong(entries, ([key, shape]) => shape(value[key], at === '' ? key : `${at}.${key}`))
      : at;
}

function firstWrong<T>(
  values: readonly T[],
  look: (value: T, index: number) => string | undefined,
): string | undefined {
  for (const [index, value] of values.entries()) {
    const wrong = look(value, index);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
