/** What reading a value gave: the value, or what is wrong with it and the way out, to stand behind a key's path. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function unparsable(problem: string): Parsed<never> {
  return { ok: false, problem };
}

const LONGEST = 100;

/** A configured value as a message may show it: on one line, not too long, and without a URL's user and password. */
export function quoteValue(text: string): string {
  const at = text.lastIndexOf('@');
  const start = text.includes('//') ? text.indexOf('//') + 2 : 0;
  const safe = at < start ? text : `${text.slice(0, start)}***${text.slice(at)}`;
  const short = safe.length > LONGEST ? `${safe.slice(0, LONGEST)}…` : safe;
  return `\`${JSON.stringify(short)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')}\``;
}
