import { access, readFile } from 'node:fs/promises';
import type { Found, PresentedHop } from '../src/certs/bundle.ts';
import { type ConfigNode, findNodes, textAt } from '../src/config/config-node.ts';
import { reason } from '../src/config/configured-files.ts';
import { quoteValue } from '../src/config/parsed.ts';
import { configError } from '../src/config/problem.ts';
import { parseServerUrl } from '../src/config/server-url.ts';
import { UserError } from '../src/user-error.ts';
import { type Command, textOption } from './command.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** Options of every command that reads sources. */
export const SOURCE_OPTIONS: Command['options'] = {
  'password-file': {
    type: 'string',
    describe: 'file with the password of PKCS#12 sources',
    requiresArg: true,
  },
  timeout: {
    type: 'string',
    default: '10',
    describe: 'seconds that all hosts together may take',
    requiresArg: true,
  },
};

/** What is a source. */
export const SOURCE_OPERANDS: NonNullable<Command['operands']> = {
  sources: 'files (PEM, DER, PKCS#12), folders, https://host[:port], or system',
};

/** What all sources of a command have given. */
export interface Sources {
  readonly found: readonly Found[];
  readonly hops: readonly PresentedHop[];
  /** What could not be read, a line each. */
  readonly warnings: readonly string[];
  /** Hosts that could not be asked. */
  readonly failures: readonly { readonly url: string; readonly message: string }[];
}

/**
 * Reads files, folders, hosts and the system's store; all hosts at once.
 * @throws {UserError} where a file or folder cannot be read
 */
export async function readSources(
  sources: readonly string[],
  configured: ConfiguredTrust | undefined,
  args: Arguments,
): Promise<Sources> {
  const { readHost } = await import('../src/certs/read-host.ts');
  const { readSource, readSystem } = await import('../src/certs/read-source.ts');
  const password = await readPassword(textOption(args, 'password-file'));
  const found: Found[] = [];
  const warnings: string[] = [];
  const urls = new Set(configured?.servers);
  for (const source of sources) {
    if (source === 'system') found.push(...readSystem());
    else if (/^https?:\/\//.test(source)) urls.add(hostUrl(source));
    else {
      const content = await readSource(source, { password });
      found.push(...content.found);
      warnings.push(...content.warnings);
    }
  }
  for (const file of configured?.caFiles ?? []) {
    const content = await readSource(file, { password, vouchedBy: 'config' }).catch((error: unknown) => ({
      found: [],
      warnings: [messageOf(error)],
    }));
    found.push(...content.found);
    warnings.push(...content.warnings);
  }
  const signal = AbortSignal.timeout(secondsOf(args) * 1000);
  const asked = await Promise.all(
    [...urls].map(async (url) => {
      try {
        return { kind: 'read' as const, ...(await readHost(new URL(url), signal)) };
      } catch (error) {
        return { kind: 'failed' as const, url, message: messageOf(error) };
      }
    }),
  );
  const failures = asked.flatMap((each) => (each.kind === 'failed' ? [each] : []));
  const isLastResort = ({ url }: { url: string }): boolean => configured?.lastResorts.has(url) === true;
  return {
    found: [...found, ...asked.flatMap((each) => (each.kind === 'read' ? each.found : []))],
    hops: asked.flatMap((each) => (each.kind === 'read' ? [each.hop] : [])),
    warnings: [
      ...warnings,
      ...failures
        .filter(isLastResort)
        .map(({ message }) => `${message} (it is asked only where all hops fail)`),
    ],
    failures: failures
      .filter((failure) => !isLastResort(failure))
      .map(({ url, message }) => ({ url, message })),
  };
}

/** What a configuration says of trust. */
export interface ConfiguredTrust {
  /** https URLs; others have no certificate. */
  readonly servers: readonly string[];
  /** Those of them that may be out of reach: origins behind hops. */
  readonly lastResorts: ReadonlySet<string>;
  /** What `cas` names, as far as it is there. */
  readonly caFiles: readonly string[];
}

const OPTIONS = 'middleware.registry[].options';
const ORIGINS = [`${OPTIONS}.upstreams[]`, `${OPTIONS}.upstreams[].originhost`, 'proxy.remoteurl'];
const HOPS = [`${OPTIONS}.upstreams[].upstreamhosts[]`, `${OPTIONS}.upstreams[].upstreamhosts[].url`];
const CAS = [
  `${OPTIONS}.cas[]`,
  `${OPTIONS}.upstreams[].cas[]`,
  `${OPTIONS}.upstreams[].upstreamhosts[].cas[]`,
];

/**
 * Reads what a configuration names, whatever else it says: it need not be valid yet, nor need its files be there.
 * @throws {UserError} CONFIG_INVALID
 */
export async function configuredTrust(file: string): Promise<ConfiguredTrust> {
  const root = await readConfig(file);
  const hops = serversAt(root, HOPS);
  const origins = serversAt(root, ORIGINS);
  const all = [...new Set([...hops, ...origins].map(({ url }) => url))];
  if (all.length === 0) throw configError([`${file}: it names no server to pull from`]);
  const needed = new Set(hops.map(({ url }) => url));
  // An origin that an upstream's hops stand before.
  const before = new Set(hops.map(({ upstream }) => upstream));
  for (const { url, upstream } of origins) if (!before.has(upstream)) needed.add(url);
  const caFiles = CAS.flatMap((pattern) => findNodes(root, pattern)).flatMap(
    ({ path }) => textAt(root, path) ?? [],
  );
  const there = await Promise.all(
    [...new Set(caFiles)].map(async (name) =>
      access(name).then(
        () => [name],
        () => [],
      ),
    ),
  );
  return {
    servers: all.filter((url) => url.startsWith('https:')),
    lastResorts: new Set(all.filter((url) => !needed.has(url))),
    caFiles: there.flat(),
  };
}

function serversAt(
  root: ConfigNode,
  patterns: readonly string[],
): readonly { url: string; upstream: string }[] {
  return patterns
    .flatMap((pattern) => findNodes(root, pattern))
    .flatMap(({ path }) => {
      const url = parseServerUrl(textAt(root, path) ?? '');
      // middleware.registry[i].options.upstreams[j]
      return url.ok ? [{ url: new URL(url.value).origin, upstream: path.slice(0, 6).join('.') }] : [];
    });
}

/** A configuration as it was written. @throws {UserError} CONFIG_INVALID */
async function readConfig(file: string): Promise<ConfigNode> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw configError([`${file}: cannot be read (${reason(error)}); check what --config names`], error);
  });
  const { parseYaml, YamlError } = await import('../src/config/yaml-source.ts');
  try {
    return parseYaml(text, (line) => ({ kind: 'file', file, line }));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw configError([`${file}:${error.line}: ${error.message}`], error);
  }
}

/** The words after the command, and those of an option that may be repeated. */
export function sourcesNamed(args: Arguments): readonly string[] {
  const { sources } = args;
  return Array.isArray(sources) ? sources.map(String) : [];
}

/** A whole number of an option. @throws {UserError} USAGE */
export function numberOption(args: Arguments, name: string, least: number): number {
  const text = textOption(args, name) ?? '';
  if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UserError('USAGE', `--${name}: ${quoteValue(text)} is no whole number of at least ${least}`, {
    value: text,
  });
}

function secondsOf(args: Arguments): number {
  return numberOption(args, 'timeout', 1);
}

async function readPassword(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError('FILE_UNREADABLE', `--password-file ${file} cannot be read (${reason(error)})`, {
      value: file,
      hint: 'name a file that holds the password and nothing else',
      cause: error,
    });
  });
  return text.replace(/\r?\n$/, '');
}

function hostUrl(text: string): string {
  const url = parseServerUrl(text);
  if (!url.ok)
    throw new UserError('USAGE', url.problem, { value: quoteValue(text), hint: 'write https://host[:port]' });
  if (url.value.startsWith('http:')) {
    throw new UserError('USAGE', `${url.value} has no certificate: it is plain http`, {
      value: url.value,
      hint: 'write https://, if it speaks TLS',
    });
  }
  return new URL(url.value).origin;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
