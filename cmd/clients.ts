import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { cacheHref, type CacheUrl, parseCacheUrl } from '../src/clients/cache-url.ts';
import { CLIENTS, type ClientName, type Setup } from '../src/clients/client.ts';
import { configuredOrigins } from '../src/clients/configured-origins.ts';
import { printFiles, printNotes } from '../src/clients/print-files.ts';
import type { HttpConfig } from '../src/config/config.ts';
import { textAt } from '../src/config/config-node.ts';
import { reason } from '../src/config/configured-files.ts';
import { suggest } from '../src/config/suggestion.ts';
import { UserError } from '../src/user-error.ts';
import { type Command, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';
import { writeFiles } from './write-files.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** `regcache clients` */
export const clients: Command = {
  usage: 'clients [client]',
  summary: 'print the files that make docker, containerd, podman or buildkit pull through this cache',
  operands: { client: 'docker, containerd, podman or buildkit; all of them by default' },
  options: {
    config: { alias: 'c', type: 'string', describe: 'the cache’s configuration file', requiresArg: true },
    url: { type: 'string', describe: 'where clients reach the cache', requiresArg: true },
    ca: {
      type: 'string',
      describe: 'PEM file of the CA that signed the cache’s certificate',
      requiresArg: true,
    },
    json: { type: 'boolean', default: false, describe: 'print JSON' },
    into: { type: 'string', describe: 'write the files below this folder instead', requiresArg: true },
    force: { type: 'boolean', default: false, describe: 'with --into: replace files that differ' },
  },
  examples: [
    ['$0 clients -c config.yml --url https://cache.example.com:5000 --ca ca.pem', 'the files of all clients'],
    ['$0 clients containerd -c config.yml --into /', 'write containerd’s on this machine'],
    ['$0 clients podman -c config.yml --json', 'for programs: {files, notes}'],
  ],
  run: async (args, terminal) => {
    const { out, err } = terminal;
    const into = textOption(args, 'into');
    const force = args['force'] === true;
    if (into === undefined && force) {
      throw new UserError('USAGE', '--force means something with --into only', {
        hint: 'name a folder with --into',
      });
    }
    const { planClients } = await import('../src/clients/plan-clients.ts');
    const made = planClients(clientNamed(args), await readSetup(args, terminal));
    const written = into === undefined ? '' : await writeFiles(into, made.files, force);
    if (args['json'] === true) {
      err.write(written);
      out.write(`${JSON.stringify(made, undefined, 2)}\n`);
    } else {
      out.write(into === undefined ? printFiles(made) : `${written}${printNotes(made.notes)}`);
    }
    return EXIT.ok;
  },
};

/** What reads another client's files. */
const RELATIVES: Readonly<Record<string, ClientName>> = {
  buildah: 'podman',
  buildx: 'buildkit',
  'cri-o': 'podman',
  crio: 'podman',
  ctr: 'containerd',
  k8s: 'containerd',
  kubernetes: 'containerd',
  moby: 'docker',
  nerdctl: 'containerd',
  skopeo: 'podman',
};

function clientNamed({ client: word }: Arguments): ClientName | undefined {
  if (word === undefined) return undefined;
  const name = typeof word === 'string' ? word.toLowerCase() : JSON.stringify(word);
  const client = CLIENTS.find((known) => known === name);
  if (client !== undefined) return client;
  const meant = (Object.hasOwn(RELATIVES, name) ? RELATIVES[name] : undefined) ?? suggest(name, CLIENTS);
  const known = `known: ${CLIENTS.join(', ')}`;
  throw new UserError('USAGE', `unknown client: ${name}`, {
    value: name,
    hint: meant === undefined ? known : `did you mean ${meant}? ${known}`,
  });
}

async function readSetup(args: Arguments, { err, env }: Terminal): Promise<Setup> {
  const file = textOption(args, 'config') ?? (env['REGISTRY_CONFIGURATION_PATH'] || undefined);
  const { loadConfig } = await import('../src/config/load-config.ts');
  const { config, effective, source } = await loadConfig({
    file,
    env,
    readFile: async (name) => readFile(name, 'utf8'),
  });
  if (file === undefined) err.write(`configuration: ${source}\n`);
  const { http } = config;
  const url = textOption(args, 'url');
  const host = url === undefined ? await configuredHost(file, env) : undefined;
  const [text, from] = url === undefined ? [host ?? assumedUrl(http), 'http.host'] : [url, '--url'];
  const cache = parseCacheUrl(text, from, http.prefix);
  if (url === undefined)
    err.write(`assuming that clients reach the cache at ${cacheHref(cache)}: --url names another\n`);
  return {
    cache,
    ca: await readCa(textOption(args, 'ca'), cache, http, err),
    clientCertificate: cache.scheme === 'http' ? 'none' : CLIENT_CERTIFICATE[http.tls?.clientAuth ?? 'none'],
    origins: configuredOrigins(config.upstreams, effective),
  };
}

const CLIENT_CERTIFICATE = {
  none: 'none',
  request: 'optional',
  'verify-if-given': 'optional',
  'require-any': 'required',
  'require-and-verify': 'required',
} as const;

/** `http.host`: what Distribution calls the URL that clients know it by. It has no effect on the cache itself. */
async function configuredHost(file: string | undefined, env: Terminal['env']): Promise<string | undefined> {
  const variable = env['REGISTRY_HTTP_HOST'];
  if (variable !== undefined && variable !== '') return variable;
  if (file === undefined) return undefined;
  const { parseYaml } = await import('../src/config/yaml-source.ts');
  const root = parseYaml(await readFile(file, 'utf8'), (line) => ({ kind: 'file', file, line }));
  return textAt(root, ['http', 'host']) || undefined;
}

function assumedUrl({ listen, tls }: HttpConfig): string {
  if (listen.kind === 'unix' || listen.port === 0) {
    throw new UserError('USAGE', 'the configuration does not tell where clients reach the cache', {
      hint: 'name it with --url, such as https://cache.example.com:5000',
    });
  }
  const anywhere = listen.host === undefined || ['0.0.0.0', '::'].includes(listen.host);
  const name = anywhere ? hostname() : (listen.host ?? '');
  return `${tls === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${listen.port}`;
}

async function readCa(
  file: string | undefined,
  { scheme }: CacheUrl,
  { tls }: HttpConfig,
  err: Terminal['err'],
): Promise<string | undefined> {
  if (scheme === 'http' && tls !== undefined) {
    err.write(
      'warning: the configuration has http.tls, and the URL is plain http: clients would get no answer\n',
    );
  }
  if (file === undefined) {
    if (scheme === 'https') {
      err.write('no --ca: assuming that the clients’ systems trust the CA of the cache’s certificate\n');
    }
    return undefined;
  }
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UserError('CA_UNREADABLE', `--ca ${file} cannot be read (${reason(error)})`, {
      value: file,
      hint: 'name a PEM file with the CA’s certificate',
      cause: error,
    });
  }
  const { checkCa } = await import('../src/clients/ca-file.ts');
  const ca = checkCa(text, file);
  if (scheme === 'https') return ca;
  err.write('warning: --ca has no effect, the URL is plain http\n');
  return undefined;
}
