/** One challenge of a `WWW-Authenticate` field (RFC 9110 section 11.3); names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[A-Za-z0-9!#$%&'*+.^_`|~-]+/y;
const PARAMETER = /([A-Za-z0-9!#$%&'*+.^_`|~-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;
const SEPARATOR = /[ \t,]*/y;

/** Reads a `WWW-Authenticate` field, several challenges in one included; stops at what it cannot read. */
export function parseChallenges(field: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(field);
    if (match === null) return undefined;
    at = pattern.lastIndex;
    return match;
  };
  while (at < field.length) {
    take(SEPARATOR);
    const parameter = take(PARAMETER);
    const current = challenges.at(-1);
    if (parameter !== undefined && current !== undefined) {
      const value = parameter[2]?.replaceAll(/\\(.)/g, '$1') ?? parameter[3] ?? '';
      const name = (parameter[1] ?? '').toLowerCase();
      if (!current.parameters.has(name)) current.parameters.set(name, value);
      continue;
    }
    const scheme = parameter === undefined ? take(TOKEN) : undefined;
    if (scheme === undefined) break;
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
  }
  return challenges;
}
