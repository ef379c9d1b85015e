import type { Certificate } from '../src/certs/certificate.ts';
import type { TreeNode } from '../src/certs/tree.ts';
import { UserError } from '../src/user-error.ts';
import { readSources, SOURCE_OPERANDS, SOURCE_OPTIONS, sourcesNamed } from './certs-sources.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';

/** `regcache certs inspect` */
export const certsInspect: Command = {
  usage: 'inspect [sources..]',
  summary: 'show certificates as a tree: who has signed whom, for which names, for how long',
  operands: SOURCE_OPERANDS,
  options: { ...SOURCE_OPTIONS, json: { type: 'boolean', default: false, describe: 'print JSON' } },
  examples: [
    ['$0 certs inspect https://asia.example.com:5000', 'what a server presents'],
    ['$0 certs inspect /etc/regcache/cas.pem bundle.p12', 'what is in files'],
  ],
  run: async (args, { out, err }) => {
    const named = sourcesNamed(args);
    if (named.length === 0) {
      throw new UserError('USAGE', 'there is nothing to inspect', {
        hint: 'name files, folders, https://host[:port] or system',
      });
    }
    const { certificateTree, treeText } = await import('../src/certs/tree.ts');
    const sources = await readSources(named, undefined, args);
    for (const warning of sources.warnings) err.write(`passed over: ${warning}\n`);
    const certificates = [
      ...sources.hops.flatMap(({ presented }) => presented),
      ...sources.found.map(({ certificate }) => certificate),
    ];
    const tree = certificateTree(certificates);
    if (args['json'] === true) out.write(`${JSON.stringify(tree.map(plainNode), undefined, 2)}\n`);
    else out.write(treeText(tree, Date.now()));
    for (const { url, message } of sources.failures)
      err.write(`✖ ${message.startsWith(url) ? message : `${url}: ${message}`}\n`);
    return sources.failures.length > 0 ? EXIT.failed : EXIT.ok;
  },
};

function plainNode({ certificate, signed }: TreeNode): unknown {
  return { ...plainCertificate(certificate), signed: signed.map(plainNode) };
}

function plainCertificate({ x509: _x509, ...plain }: Certificate): Omit<Certificate, 'x509'> {
  return plain;
}
