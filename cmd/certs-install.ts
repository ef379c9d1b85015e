import { access } from 'node:fs/promises';
import path from 'node:path';
import { CA_CLIENTS, type CaClient, SYSTEM_STORES, type SystemStore } from '../src/clients/ca-client.ts';
import { parseCacheUrl } from '../src/clients/cache-url.ts';
import { printFiles, printNotes } from '../src/clients/print-files.ts';
import { suggest } from '../src/config/suggestion.ts';
import { UserError } from '../src/user-error.ts';
import { assemble, TRUST_OPTIONS } from './certs-assemble.ts';
import { readSources, SOURCE_OPERANDS, SOURCE_OPTIONS, sourcesNamed } from './certs-sources.ts';
import { type Command, textOption } from './command.ts';
import { EXIT } from './exit.ts';
import { writeFiles } from './write-files.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** `regcache certs install` */
export const certsInstall: Command = {
  usage: 'install <sources..>',
  summary: 'print, or write, where a client wants the CA of a cache',
  operands: SOURCE_OPERANDS,
  options: {
    client: {
      type: 'string',
      describe: `one of ${CA_CLIENTS.join(', ')}`,
      requiresArg: true,
      demandOption: true,
    },
    url: {
      type: 'string',
      describe: 'where clients reach the cache, if no source is that',
      requiresArg: true,
    },
    into: {
      type: 'string',
      describe: 'write the files below this folder instead: / is this machine',
      requiresArg: true,
    },
    force: { type: 'boolean', default: false, describe: 'with --into: replace files that differ' },
    json: { type: 'boolean', default: false, describe: 'print JSON' },
    ...TRUST_OPTIONS,
    ...SOURCE_OPTIONS,
  },
  examples: [
    ['$0 certs install ca.pem --client docker --url https://cache.example.com:5000', 'what goes where'],
    ['$0 certs install ca.pem --client system --into /', 'write it on this machine'],
  ],
  run: async (args, terminal) => {
    const client = clientOf(args);
    const into = textOption(args, 'into');
    const force = args['force'] === true;
    if (into === undefined && force) {
      throw new UserError('USAGE', '--force means something with --into only', {
        hint: 'name a folder with --into',
      });
    }
    const named = sourcesNamed(args);
    const authority = client === 'system' ? '' : authorityOf(args, named);
    const sources = await readSources(named, undefined, args);
    const [failure] = sources.failures;
    if (failure !== undefined)
      throw new UserError('HOST_UNREACHABLE', failure.message, { value: failure.url, exitCode: 1 });
    for (const warning of sources.warnings) terminal.err.write(`passed over: ${warning}\n`);
    const { entries, untrusted } = await assemble(sources, named.includes('system'), args, terminal);
    if (entries.length === 0) {
      throw new UserError('NO_CA', 'there is no CA to install', {
        hint:
          untrusted.length === 0
            ? 'name a PEM file with the CA’s own certificate: not the server’s'
            : 'compare the fingerprint with what its operator says, then take it with --fingerprint',
        exitCode: EXIT.failed,
      });
    }
    const pems = entries.map(({ certificate }) => certificate.x509.toString());
    const { planCa } = await import('../src/clients/install-ca.ts');
    const plan = planCa(client, authority, pems, await systemStore(into ?? '/'));
    const notes = [{ client, text: plan.note }];
    const written = into === undefined ? '' : await writeFiles(into, plan.files, force);
    if (args['json'] === true) {
      terminal.err.write(written);
      terminal.out.write(`${JSON.stringify({ files: plan.files, notes }, undefined, 2)}\n`);
    } else {
      terminal.out.write(
        into === undefined ? printFiles({ files: plan.files, notes }) : `${written}${printNotes(notes)}`,
      );
    }
    return EXIT.ok;
  },
};

function clientOf(args: Arguments): CaClient {
  const name = textOption(args, 'client')?.toLowerCase() ?? '';
  const client = CA_CLIENTS.find((known) => known === name);
  if (client !== undefined) return client;
  const meant = suggest(name, CA_CLIENTS);
  throw new UserError('USAGE', `unknown client: ${name}`, {
    value: name,
    hint: `${meant === undefined ? '' : `did you mean ${meant}? `}known: ${CA_CLIENTS.join(', ')}`,
  });
}

/** The name that a client’s folder has: of `--url`, or of the one host among the sources. */
function authorityOf(args: Arguments, sources: readonly string[]): string {
  const hosts = sources.filter((source) => source.startsWith('https://'));
  const [url = hosts[0]] = [textOption(args, 'url')];
  if (url === undefined || (hosts.length > 1 && textOption(args, 'url') === undefined)) {
    throw new UserError('USAGE', 'which server is this CA for?', {
      hint: 'name it as clients reach it: --url https://cache.example.com:5000',
    });
  }
  const cache = parseCacheUrl(url, '--url', '/');
  if (cache.scheme === 'https') return cache.authority;
  throw new UserError('USAGE', `--url ${url} is plain http: no CA is needed for it`, {
    value: url,
    hint: 'write https://, if it speaks TLS',
  });
}

async function systemStore(root: string): Promise<SystemStore> {
  const [first] = SYSTEM_STORES;
  if (first === undefined) throw new Error('no store is known');
  for (const store of SYSTEM_STORES) {
    const isThere = await access(path.join(root, store.folder)).then(
      () => true,
      () => false,
    );
    if (isThere) return store;
  }
  return first;
}
