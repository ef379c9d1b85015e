import { z } from 'zod';

/** What lies under a key: the key as the schema spells it, and its schema; undefined where anything goes. */
export interface SchemaStep {
  readonly key: string | number;
  readonly schema: z.core.$ZodType | undefined;
}

/**
 * Finds a key below a schema, without regard to case.
 * @param schema undefined: anything goes
 * @returns undefined where the schema has no such key
 */
export function schemaStep(schema: z.core.$ZodType | undefined, key: string): SchemaStep | undefined {
  const bare = schema === undefined ? undefined : unwrap(schema);
  const index = /^\d{1,4}$/.test(key) ? Number(key) : undefined;
  if (bare === undefined || bare instanceof z.ZodUnknown) {
    return { key: index ?? key.toLowerCase(), schema: undefined };
  }
  if (takesAnyKey(bare)) return { key: key.toLowerCase(), schema: undefined };
  if (bare instanceof z.ZodArray) {
    return index === undefined ? undefined : { key: index, schema: bare.element };
  }
  if (bare instanceof z.ZodRecord) return { key, schema: bare.valueType };
  if (bare instanceof z.ZodUnion) {
    return bare.options.map((option) => schemaStep(option, key)).find((step) => step !== undefined);
  }
  const name = knownKeys(bare).find((known) => known === key.toLowerCase());
  return bare instanceof z.ZodObject && name !== undefined
    ? { key: name, schema: bare.shape[name] }
    : undefined;
}

/** The keys that a mapping of this schema may have; none where it is no mapping, or may have any. */
export function knownKeys(schema: z.core.$ZodType | undefined): readonly string[] {
  const bare = schema === undefined ? undefined : unwrap(schema);
  if (bare instanceof z.ZodObject) return Object.keys(bare.shape);
  return bare instanceof z.ZodUnion ? bare.options.flatMap((option) => knownKeys(option)) : [];
}

/** The schema at a path of keys and indexes. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>(
    (inner, key) => (inner === undefined ? undefined : schemaStep(inner, String(key))?.schema),
    schema,
  );
}

/** Whether the schema takes one value rather than a list or a mapping. */
export function takesScalar(schema: z.core.$ZodType | undefined): boolean {
  const bare = schema === undefined ? undefined : unwrap(schema);
  return bare instanceof z.ZodCodec && !takesAnyKey(bare);
}

/** A mapping of anything: what its scalars mean is not known. */
function takesAnyKey(bare: z.core.$ZodType): boolean {
  return bare instanceof z.ZodCodec && bare.def.out instanceof z.ZodRecord;
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  return schema;
}
