import type { z } from 'zod';
import { type ConfigNode, nodeAt, replaceNode } from './config-node.ts';
import { knownKeys, type SchemaStep, schemaStep, takesScalar } from './schema-path.ts';
import { suggest } from './suggestion.ts';
import { parseYaml, YamlError } from './yaml-source.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'REGISTRY_';
/** Names the configuration file; no key of it. */
export const CONFIGURATION_PATH = 'REGISTRY_CONFIGURATION_PATH';

/**
 * Puts the values of `REGISTRY_…` variables in the places that their names spell: `REGISTRY_HTTP_ADDR`,
 * `REGISTRY_HTTP_TLS_CLIENTCAS_0`. Values are read as YAML; what is none is taken as it is (`[::1]:5000`).
 * @returns the configuration, and a warning for each variable that names no key: Kubernetes makes such variables
 * for a service called `registry`
 */
export function applyEnvironment(
  root: ConfigNode,
  env: Environment,
  schema: z.core.$ZodType,
): { readonly root: ConfigNode; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  let result = root;
  for (const name of overrideNames(env)) {
    const place = findPlace(schema, result, name.slice(PREFIX.length).split('_'));
    if (place.kind === 'unknown') {
      warnings.push(`${name}: names no key of config.yml and is ignored${place.hint}`);
    } else {
      result = replaceNode(result, place.path, readValue(name, env[name] ?? '', place.schema));
    }
  }
  return { root: result, warnings };
}

/** In lexical order, so that a section comes before what is in it; list items by number. */
function overrideNames(env: Environment): readonly string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && name !== CONFIGURATION_PATH && env[name] !== undefined)
    .toSorted((one, other) => compareNames(one.split('_'), other.split('_')));
}

function compareNames(one: readonly string[], other: readonly string[]): number {
  for (const [index, part] of one.entries()) {
    const against = other[index];
    if (against === undefined) return 1;
    if (part === against) continue;
    const numbers = /^\d+$/.test(part) && /^\d+$/.test(against);
    if (numbers && Number(part) !== Number(against)) return Number(part) - Number(against);
    return part < against ? -1 : 1;
  }
  return one.length - other.length;
}

type Place =
  | {
      readonly kind: 'known';
      readonly path: readonly (string | number)[];
      readonly schema: z.core.$ZodType | undefined;
    }
  | { readonly kind: 'unknown'; readonly hint: string };

function findPlace(schema: z.core.$ZodType, root: ConfigNode, segments: readonly string[]): Place {
  const path: (string | number)[] = [];
  let current: z.core.$ZodType | undefined = schema;
  for (const [index, segment] of segments.entries()) {
    const step: SchemaStep | undefined = segment === '' ? undefined : schemaStep(current, segment);
    if (step === undefined) {
      const meant = suggest(segment, knownKeys(current));
      const name = [...segments.slice(0, index), meant?.toUpperCase(), ...segments.slice(index + 1)].join(
        '_',
      );
      return { kind: 'unknown', hint: meant === undefined ? '' : `; did you mean ${PREFIX}${name}?` };
    }
    path.push(typeof step.key === 'number' ? step.key : spelling(nodeAt(root, path), step.key));
    current = step.schema;
  }
  return { kind: 'known', path, schema: current };
}

/** A key as the file already spells it: names of headers and log fields keep their capitals. */
function spelling(node: ConfigNode | undefined, key: string): string {
  const present = node?.kind === 'mapping' ? [...node.entries.keys()] : [];
  return present.find((written) => written.toLowerCase() === key.toLowerCase()) ?? key;
}

function readValue(name: string, value: string, schema: z.core.$ZodType | undefined): ConfigNode {
  const origin = { kind: 'variable', name } as const;
  const raw: ConfigNode = { kind: 'scalar', origin, text: value, value };
  try {
    const node = parseYaml(value, () => origin);
    return takesScalar(schema) && node.kind !== 'scalar' ? raw : node;
  } catch (error) {
    if (error instanceof YamlError) return raw;
    throw error;
  }
}
