import { z } from 'zod';
import { type ConfigNode, findNodes, type Origin, toPlain } from '../config/config-node.ts';
import { passwordOf, reason } from '../config/configured-files.ts';
import { parsed, quoteValue, unparsable } from '../config/parsed.ts';
import { configError, formatProblems, type Problem } from '../config/problem.ts';
import { downstreamSchema } from '../config/schema-downstream.ts';
import { schemaProblems } from '../config/schema-problems.ts';
import { choice, count, secret, text, textOf } from '../config/schema-values.ts';
import { parseServerUrl } from '../config/server-url.ts';
import { parseYaml, YamlError } from '../config/yaml-source.ts';
import type { LinkFigures } from './embedded/link-figures.ts';
import { parseLinkFigures } from './embedded/link-figures.ts';
import { type ImageShape, parseImageShape } from './embedded/image-shape.ts';
import { CLIENT_NAMES } from './pull/habits.ts';
import { isName } from './variant.ts';

const serverUrl = textOf(z.string(), parseServerUrl, (url) => url);

const name = textOf(
  z.string(),
  (written) =>
    isName(written) && !['client', 'origin', 'direct', 'plan'].includes(written)
      ? parsed(written)
      : unparsable(
          `${quoteValue(written)} cannot be a name here; write letters, digits and . _ - , and none of client, origin, direct, plan`,
        ),
  (written) => written,
);

const figures = textOf<Partial<LinkFigures>>(
  z.custom<Partial<LinkFigures>>(),
  parseLinkFigures,
  () => undefined,
);
const shape = textOf<ImageShape>(z.custom<ImageShape>(), parseImageShape, () => undefined);

const imageName = textOf(
  z.string(),
  (written) =>
    /^[a-z0-9][a-z0-9._/-]*(?::[\w][\w.-]{0,127}|@sha(?:256|512):[a-f0-9]{64,128})$/.test(written)
      ? parsed(written)
      : unparsable(
          `${quoteValue(written)} is no image; write a repository with a tag or a digest, such as library/alpine:3`,
        ),
  (written) => written,
);

const server = z.strictObject({
  url: serverUrl.describe('where clients reach it'),
  cas: z.array(text).default([]).describe('PEM files trusted for it, beside the system’s'),
  username: secret.optional().describe('user name'),
  password: secret.optional().describe('password'),
  passwordfile: text.optional().describe('file that holds the password'),
  realms: z.array(serverUrl).default([]).describe('further token realms that may be given the credentials'),
});

/** What a variant may set at each of its caches: product defaults otherwise. */
const cacheOptions = downstreamSchema
  .pick({
    tagttl: true,
    prefetch: true,
    ranges: true,
    timeouts: true,
    fillafterabort: true,
    staleiferror: true,
  })
  .partial();

const benchSchema = z.strictObject({
  version: textOf(
    z.string(),
    (written) =>
      written === '1' ? parsed(written) : unparsable(`${quoteValue(written)} is unknown; write version: 1`),
    (written) => written,
  ).describe('of this format: 1'),
  client: choice(CLIENT_NAMES).optional().describe('whose habits: containerd, docker or skopeo'),
  rounds: count(1).optional().describe('rounds; from six on, differences can be shown'),
  warm: count(1).optional().describe('warm pulls after each cold one'),
  concurrency: z.array(count(1)).min(1).optional().describe('clients at once, one level after another'),
  parallel: count(1).optional().describe('layers that a client fetches at a time'),
  platform: text.optional().describe('platform that is pulled, such as linux/amd64'),
  seed: count(0).optional().describe('of images and orders'),
  variants: z
    .record(
      z.string(),
      z.union([z.array(name), z.strictObject({ hops: z.array(name), options: cacheOptions.optional() })]),
    )
    .default({})
    .describe('chains by name, from the client outwards'),
  embedded: z
    .strictObject({
      hops: z.array(name).optional().describe('caches by their place, from the client to the origin'),
      links: z
        .record(z.string(), figures)
        .default({})
        .describe('between neighbours: rtt, rate, loss, jitter'),
      image: shape.optional().describe('a shape by name, or its layers'),
    })
    .optional()
    .describe('everything on this machine'),
  live: z
    .strictObject({
      images: z.array(imageName).min(1).describe('pulled in turn, one a round'),
      namespace: text.optional().describe('sent to caches as ?ns='),
      origin: server.describe('the registry that has the images'),
      hops: z
        .record(
          z.string(),
          server.extend({
            purge: z.array(text).min(1).optional().describe('a program and its arguments that empty it'),
          }),
        )
        .default({})
        .describe('caches by name'),
    })
    .optional()
    .describe('real servers'),
});

export type BenchConfig = z.output<typeof benchSchema>;
export type LiveConfig = NonNullable<BenchConfig['live']>;
export type ServerConfig = LiveConfig['origin'] & { readonly purge?: readonly string[] | undefined };

/** What a variant sets at its caches, as config.yml would have it. */
export function writtenOptions(
  options: z.output<typeof cacheOptions> | undefined,
): Readonly<Record<string, unknown>> {
  return options === undefined ? {} : z.encode(cacheOptions, options);
}

/**
 * Reads bench.yml, password files included.
 * @throws {UserError} CONFIG_INVALID with every problem, one a line
 */
export async function loadBenchConfig(
  file: string,
  readFile: (path: string) => Promise<string>,
): Promise<BenchConfig> {
  const source = await readFile(file).catch((error: unknown) => {
    throw configError([`${file}: cannot be read (${reason(error)}); check what --config names`], error);
  });
  const root = parse(source, file);
  const plain = toPlain(root);
  const data = benchSchema.safeParse(plain);
  const problems: Problem[] = data.success
    ? [...rules(root, data.data)]
    : [...schemaProblems(benchSchema, plain, data.error)];
  if (!data.success || problems.length > 0) throw configError(formatProblems(problems, root, file));
  return data.data;
}

/** The password of a server, from its file where it has one. @throws {UserError} CONFIG_INVALID */
export async function passwordFor(
  { password, passwordfile }: ServerConfig,
  readFile: (path: string) => Promise<string>,
): Promise<string> {
  if (passwordfile === undefined) return password ?? '';
  const content = await readFile(passwordfile).catch((error: unknown) => {
    throw configError([`passwordfile: ${passwordfile} cannot be read (${reason(error)})`], error);
  });
  return passwordOf(content);
}

function parse(source: string, file: string): ConfigNode {
  const originOf = (line: number): Origin => ({ kind: 'file', file, line });
  try {
    return parseYaml(source, originOf);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw configError([`${file}:${error.line}: ${error.message}`], error);
  }
}

function rules(root: ConfigNode, { embedded, live, variants }: BenchConfig): readonly Problem[] {
  const problems: Problem[] = [];
  if (embedded !== undefined && live !== undefined) {
    problems.push({ path: ['live'], message: 'stands beside embedded; keep one of the two' });
  }
  for (const variant of Object.keys(variants)) {
    if (!isName(variant) || variant === 'direct' || variant === 'plan') {
      problems.push({
        path: ['variants', variant],
        message: 'cannot be a name here; write letters, digits and . _ - , and neither direct nor plan',
      });
    }
  }
  const hops = live === undefined ? embedded?.hops : Object.keys(live.hops);
  if (hops !== undefined) {
    for (const { path, node } of hopNodes(root)) {
      if (node.kind === 'scalar' && !hops.includes(node.text)) {
        problems.push({ path, message: `no hop has this name; there are ${hops.join(', ')}` });
      }
    }
  }
  return [...problems, ...credentialProblems(live)];
}

function credentialProblems(live: LiveConfig | undefined): readonly Problem[] {
  if (live === undefined) return [];
  const servers: (readonly [readonly string[], ServerConfig])[] = [
    [['live', 'origin'], live.origin],
    ...Object.entries(live.hops).map(([hop, server]) => [['live', 'hops', hop], server] as const),
  ];
  return servers.flatMap(([path, { username, password, passwordfile }]) => {
    if (password !== undefined && passwordfile !== undefined) {
      return [{ path, message: 'has a password beside a passwordfile; keep one of the two' }];
    }
    const hasPassword = password !== undefined || passwordfile !== undefined;
    if ((username !== undefined) === hasPassword) return [];
    return [{ path, message: `has ${hasPassword ? 'a password' : 'a user name'} alone; write both` }];
  });
}

/** Every hop that a variant names. */
function hopNodes(root: ConfigNode): ReturnType<typeof findNodes> {
  const variants = findNodes(root, 'variants')[0]?.node;
  if (variants?.kind !== 'mapping') return [];
  return Array.from(variants.entries).flatMap(([variant, entry]) => {
    const list = entry.kind === 'mapping' ? entry.entries.get('hops') : entry;
    const path = entry.kind === 'mapping' ? ['variants', variant, 'hops'] : ['variants', variant];
    return list?.kind === 'list' ? list.items.map((node, index) => ({ path: [...path, index], node })) : [];
  });
}
