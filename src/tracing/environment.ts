/** The variables that OpenTelemetry's specification names, and where what is wrong with them is told. */
export class Environment {
  readonly #variables: Readonly<Record<string, string | undefined>>;
  readonly #warn: (message: string) => void;

  constructor(variables: Readonly<Record<string, string | undefined>>, warn: (message: string) => void) {
    this.#variables = variables;
    this.#warn = warn;
  }

  /** The first of these that is set, with its name; one that is empty counts as not set. */
  first(...names: readonly string[]): { readonly name: string; readonly value: string } | undefined {
    for (const name of names) {
      const value = this.#variables[name]?.trim();
      if (value !== undefined && value !== '') return { name, value };
    }
    return undefined;
  }

  /** A positive whole number; anything else is told, and counts as not set. */
  count(...names: readonly string[]): number | undefined {
    const found = this.first(...names);
    if (found === undefined) return undefined;
    // More would overflow a timer.
    if (/^\d{1,10}$/.test(found.value) && Number(found.value) > 0 && Number(found.value) < 2 ** 31)
      return Number(found.value);
    this.warn(`${found.name} is ${found.value}, which is no positive whole number; the default is used`);
    return undefined;
  }

  /** Words separated by commas, in small letters. */
  words(name: string): readonly string[] | undefined {
    const words = this.first(name)
      ?.value.toLowerCase()
      .split(',')
      .map((word) => word.trim());
    return words?.filter((word) => word !== '');
  }

  /** `key=value` pairs separated by commas, values percent-encoded; what is no pair is told by the variable's name alone. */
  pairs(name: string): ReadonlyMap<string, string> {
    const pairs = new Map<string, string>();
    for (const pair of this.first(name)?.value.split(',') ?? []) {
      const [, key, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
      const decoded = value === undefined ? undefined : percentDecoded(value);
      if (key !== undefined && decoded !== undefined) pairs.set(key, decoded);
      else if (pair.trim() !== '')
        this.warn(
          `${name} holds what is no key=value; values are percent-encoded, pairs separated by commas`,
        );
    }
    return pairs;
  }

  warn(message: string): void {
    this.#warn(message);
  }
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
