import { z } from 'zod';
import type { Config } from './config.ts';
import { PlainScalar } from './config-node.ts';
import { type ConfigData, configSchema } from './schema.ts';

const HIDDEN = '***';
const SECRETS = new Set(['password', 'secret']);

/**
 * A configuration in config.yml's own shape with every default filled in and every secret hidden; what has no effect
 * is left out.
 */
export function effectiveConfig(data: ConfigData, config: Config): unknown {
  const { loglevel: _, ...encoded } = z.encode(configSchema, {
    ...data,
    log: { ...data.log, level: config.log.level },
    health: data.health && { ...data.health, http: data.health.http.map(withoutFields) },
  });
  return clean(withNamespaces(encoded, config));
}

/** What a check sends may let it in. */
function withoutFields<T extends { readonly headers: Readonly<Record<string, readonly string[]>> }>(
  check: T,
): T {
  const fields = Object.keys(check.headers).map((name) => [name, [HIDDEN]]);
  return { ...check, headers: Object.fromEntries(fields) };
}

/** Puts in the name that each upstream goes by; the plain list of URLs has no place for it. */
function withNamespaces(encoded: Omit<z.input<typeof configSchema>, 'loglevel'>, config: Config): unknown {
  const registry = encoded.middleware?.registry?.map((entry) => {
    if (entry === undefined) return undefined;
    const upstreams = entry.options.upstreams.map((upstream, index) =>
      typeof upstream === 'object' && upstream !== null
        ? { ...upstream, namespace: config.upstreams[index]?.namespace }
        : upstream,
    );
    return { ...entry, options: { ...entry.options, upstreams } };
  });
  return registry === undefined ? encoded : { ...encoded, middleware: { ...encoded.middleware, registry } };
}

function clean(value: unknown): unknown {
  if (value instanceof PlainScalar) return value.value;
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== undefined)
      .map(([key, child]) => [key, SECRETS.has(key) && child !== '' ? HIDDEN : clean(child)]),
  );
}
