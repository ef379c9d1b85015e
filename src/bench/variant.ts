import { didYouMean } from '../config/suggestion.ts';
import { UserError } from '../user-error.ts';

/** A way from the client to the origin. */
export interface Variant {
  readonly name: string;
  /** The caches on it, from the client outwards; none is straight to the origin. */
  readonly hops: readonly string[];
  /** Options of `downstream` that its caches have other than by default, as config.yml has them. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export const DIRECT: Variant = { name: 'direct', hops: [] };

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/i;

/** Whether it can name a hop or a variant: letters, digits, dots, hyphens and underscores. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/**
 * Reads `asia,china,china>asia`: names of variants, and chains spelled hop by hop; `direct` always comes first.
 * @param defined the variants that have names
 * @param hops the hops that there are
 * @throws {UserError} USAGE for an unknown or empty name, a hop twice in one chain, a variant twice
 */
export function parseVariants(
  text: string,
  defined: ReadonlyMap<string, Variant>,
  hops: readonly string[],
): readonly Variant[] {
  const variants = text
    .split(',')
    .map((word) => word.trim())
    .map((word) => parseVariant(word, defined, hops));
  const others = variants.filter(({ name }) => name !== DIRECT.name);
  const twice = others.find(({ name }, index) => others.findIndex((other) => other.name === name) < index);
  if (twice !== undefined)
    throw wrong(`the variant ${twice.name} is named twice`, twice.name, 'name it once');
  return [DIRECT, ...others];
}

function parseVariant(word: string, defined: ReadonlyMap<string, Variant>, hops: readonly string[]): Variant {
  if (word === '')
    throw wrong('a variant has no name', word, 'write names with single commas, as in asia,china');
  if (word === DIRECT.name) return DIRECT;
  const named = defined.get(word);
  if (named !== undefined) return named;
  const chain = word.split('>').map((hop) => hop.trim());
  if (chain.length === 1) {
    const known = [...defined.keys(), DIRECT.name];
    throw wrong(
      `unknown variant: ${word}`,
      word,
      `${didYouMean(word, known).replace(/^; /, '')}; a chain is spelled from the client outwards, as in china>asia`,
    );
  }
  const unknown = chain.find((hop) => !hops.includes(hop));
  if (unknown !== undefined) {
    throw wrong(
      `unknown hop in ${word}: ${unknown === '' ? 'an empty name' : unknown}`,
      unknown,
      `hops here: ${hops.join(', ')}`,
    );
  }
  const twice = chain.find((hop, index) => chain.indexOf(hop) < index);
  if (twice !== undefined)
    throw wrong(`${word} passes ${twice} twice`, word, 'a chain with a loop answers nothing');
  return { name: chain.join('>'), hops: chain };
}

function wrong(message: string, value: string, hint: string): UserError {
  return new UserError('USAGE', message, { value, hint });
}
