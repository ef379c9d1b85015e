import { z } from 'zod';
import { NO_EFFECT } from '../src/config/no-effect.ts';
import { REFUSALS } from '../src/config/refusals.ts';
import { configSchema } from '../src/config/schema.ts';

/** One key of config.yml, as the schema has it. */
export interface ConfigKey {
  /** As `http.tls.clientcas[]` is written: `middleware.registry[].options.cas`. */
  readonly path: string;
  /** What may stand there, as `a duration`; undefined for a mapping of further keys. */
  readonly type: string | undefined;
  /** As it would be written; undefined where there is none. */
  readonly fallback: string | undefined;
  readonly isRequired: boolean;
  readonly meaning: string;
  /** The environment variable that overrides it, its first element in a list. */
  readonly variable: string;
  /** What to do instead of a key that is refused. */
  readonly refused: string | undefined;
  /** Why it does nothing. */
  readonly noEffect: string | undefined;
}

/** Every key of config.yml in the schema's order, each section before what is in it. */
export function configKeys(): readonly ConfigKey[] {
  return keysBelow(configSchema, '');
}

function keysBelow(schema: z.core.$ZodType, above: string): readonly ConfigKey[] {
  const bare = unwrap(schema);
  if (bare instanceof z.ZodArray) return keysBelow(bare.element, `${above}[]`);
  if (bare instanceof z.ZodUnion) return bare.options.flatMap((option) => keysBelow(option, above));
  if (!(bare instanceof z.ZodObject)) return [];
  return Object.entries(bare.shape).flatMap(([key, value]: [string, z.core.$ZodType]) => {
    const path = above === '' ? key : `${above}.${key}`;
    return [describe(path, value), ...keysBelow(value, path)];
  });
}

function describe(path: string, schema: z.core.$ZodType): ConfigKey {
  const bare = unwrap(schema);
  const fallback = defaultOf(schema);
  const isMapping = bare instanceof z.ZodObject;
  const isOptional = schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault;
  return {
    path,
    type: isMapping ? undefined : typeOf(bare),
    fallback,
    isRequired: !isOptional && !(schema instanceof z.ZodDefault),
    meaning: meaningOf(schema),
    variable: variableOf(path, bare instanceof z.ZodArray),
    refused: REFUSALS.find(({ pattern }) => pattern.replace(/\[\]$/, '') === path)?.instead,
    noEffect: NO_EFFECT[path],
  };
}

/** `REGISTRY_HTTP_TLS_CLIENTCAS_0`: lists by index. */
function variableOf(path: string, isList: boolean): string {
  const name = path.replaceAll('[]', '.0').replaceAll('.', '_').toUpperCase();
  return `REGISTRY_${name}${isList ? '_0' : ''}`;
}

function typeOf(bare: z.core.$ZodType): string {
  if (bare instanceof z.ZodArray) return `a list, each ${typeOf(unwrap(bare.element))}`;
  if (bare instanceof z.ZodUnion) {
    return [...new Set(bare.options.map((option) => typeOf(unwrap(option))))].join(', or ');
  }
  if (bare instanceof z.ZodCodec) {
    const { out } = bare.def;
    if (out instanceof z.ZodEnum) return alternatives(out.options);
    const word = bare.meta()?.['word'];
    return typeof word === 'string' ? word : 'a mapping of anything';
  }
  if (bare instanceof z.ZodRecord) return `a mapping of names; each ${typeOf(unwrap(bare.valueType))}`;
  return bare instanceof z.ZodObject ? 'a mapping' : 'anything';
}

function defaultOf(schema: z.core.$ZodType): string | undefined {
  if (!(schema instanceof z.ZodDefault)) return undefined;
  const inner = schema.unwrap();
  const { defaultValue } = schema.def;
  const written: unknown = unwrap(inner) instanceof z.ZodUnion ? defaultValue : z.encode(inner, defaultValue);
  const isEmpty = typeof written === 'object' && written !== null && Object.keys(written).length === 0;
  return isEmpty ? undefined : String(written);
}

/** In the schema's words; of a list also what its elements are. */
function meaningOf(schema: z.core.$ZodType): string {
  const bare = unwrap(schema);
  const element = bare instanceof z.ZodArray ? descriptionOf(unwrap(bare.element)) : undefined;
  return [descriptionOf(schema) ?? descriptionOf(bare), element]
    .filter((text) => text !== undefined)
    .join('; ');
}

function alternatives(words: readonly (string | number)[]): string {
  const quoted = words.map((word) => `\`${word}\``);
  return [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter((text) => text !== '').join(' or ');
}

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.description;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  return schema;
}
