import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reason } from '../src/config/configured-files.ts';
import { UserError } from '../src/user-error.ts';
import { numberOption } from './certs-sources.ts';
import { type Command, textOption } from './command.ts';
import { EXIT } from './exit.ts';

const HOST = /^(?:[A-Za-z0-9_*](?:[A-Za-z0-9_.*-]{0,252})|\[?[0-9A-Fa-f:]+(?:\.\d+){0,3}\]?)$/;

/** `regcache certs dev` */
export const certsDev: Command = {
  usage: 'dev <hosts..>',
  summary: 'make a CA and server certificates for development',
  operands: { hosts: 'names and addresses; several for one certificate with commas' },
  options: {
    out: { alias: 'o', type: 'string', default: '.', describe: 'folder to write to', requiresArg: true },
    days: {
      type: 'string',
      default: '365',
      describe: 'how long server certificates are good for',
      requiresArg: true,
    },
    force: { type: 'boolean', default: false, describe: 'replace server certificates that are there' },
  },
  examples: [
    [
      '$0 certs dev asia.test china.test,127.0.0.1 --out certs',
      'asia.test.pem and china.test.pem, both signed by ca.pem',
    ],
  ],
  run: async (args, { out, err }) => {
    const folder = textOption(args, 'out') ?? '.';
    const days = numberOption(args, 'days', 1);
    const { hosts } = args;
    const groups = (Array.isArray(hosts) ? hosts.map(String) : []).map((group) => group.split(','));
    const bad = groups.flat().find((host) => !HOST.test(host));
    if (bad !== undefined) {
      throw new UserError('USAGE', `${JSON.stringify(bad)} is no host`, {
        value: bad,
        hint: 'write names or addresses, several for one certificate with commas: china.test,127.0.0.1',
      });
    }
    const { openCertificateAuthority, writeCertificate } =
      await import('../src/certs/certificate-authority.ts');
    await mkdir(folder, { recursive: true });
    const [caFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca-key.pem')];
    const held = await heldPair(caFile, keyFile);
    if (args['force'] !== true) await refuseExisting(folder, groups);
    const { authority, pair } = await openCertificateAuthority('regcache development CA', held);
    if (held === undefined) {
      await writeFile(keyFile, pair.keyPem, { flag: 'wx', mode: 0o600 });
      await writeFile(caFile, authority.certificatePem, { flag: 'wx' });
    }
    out.write(`${held === undefined ? 'wrote' : 'used'} ${caFile}\n`);
    for (const names of groups) {
      const notAfter = new Date(Date.now() + days * 86_400_000);
      const plain = names.map((host) => host.replace(/^\[(.*)\]$/, '$1'));
      const issued = await authority.issue({ hosts: plain, notAfter });
      const files = await writeCertificate(folder, fileName(plain), issued);
      out.write(`wrote ${files.certificate} and ${files.key}: ${plain.join(', ')}\n`);
    }
    err.write('for development only: the CA’s key lies beside it\n');
    return EXIT.ok;
  },
};

async function heldPair(
  caFile: string,
  keyFile: string,
): Promise<{ certificatePem: string; keyPem: string } | undefined> {
  try {
    return { certificatePem: await readFile(caFile, 'utf8'), keyPem: await readFile(keyFile, 'utf8') };
  } catch (error) {
    if (reason(error) !== 'no such file') throw error;
    const half = await access(caFile).then(
      () => caFile,
      () => undefined,
    );
    if (half === undefined) return undefined;
    throw new UserError('FILE_EXISTS', `${half} is there, and its key ${keyFile} is not`, {
      value: half,
      hint: 'name another folder with --out',
      cause: error,
    });
  }
}

async function refuseExisting(folder: string, groups: readonly (readonly string[])[]): Promise<void> {
  for (const names of groups) {
    const file = join(folder, `${fileName(names)}.pem`);
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (!isThere) continue;
    throw new UserError('FILE_EXISTS', `nothing was written: ${file} is there already`, {
      value: file,
      hint: 'replace it with --force, or name another folder with --out',
    });
  }
}

function fileName([host = '']: readonly string[]): string {
  return host.replaceAll('*', '_').replaceAll(/[:[\]]/g, '-');
}
