import { createInterface } from 'node:readline/promises';
import type { Bundle, BundleEntry } from '../src/certs/bundle.ts';
import type { Certificate } from '../src/certs/certificate.ts';
import { UserError } from '../src/user-error.ts';
import type { Sources } from './certs-sources.ts';
import { type Command, listOption, type Terminal } from './command.ts';

/** Options of every command that may take a CA that nobody but its own host vouches for. */
export const TRUST_OPTIONS: Command['options'] = {
  'trust-on-first-use': {
    type: 'boolean',
    default: false,
    describe: 'take a CA that nobody but its own host vouches for',
  },
  fingerprint: {
    type: 'string',
    describe: 'take such a CA if it has this fingerprint, sha256:…; may be repeated',
    requiresArg: true,
  },
};

/** Chooses what is trusted of all that the sources gave, and asks for what nobody else vouches for. */
export async function assemble(
  sources: Sources,
  isSystemNamed: boolean,
  args: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<Bundle> {
  const { assembleBundle } = await import('../src/certs/bundle.ts');
  const wanted = new Set(listOption(args, 'fingerprint').map(fingerprintOf));
  const taken = new Set<string>();
  const accepts = ({ fingerprint }: Certificate): boolean =>
    args['trust-on-first-use'] === true || wanted.has(fingerprint) || taken.has(fingerprint);
  // Where the system's store was not named, it is trusted all the same: what it vouches for need not be in the bundle.
  const make = (): Bundle => {
    const bundle = assembleBundle(sources.found, sources.hops, Date.now(), accepts);
    if (isSystemNamed) return bundle;
    return { ...bundle, entries: bundle.entries.filter(({ source }) => source !== 'system') };
  };
  const first = make();
  for (const entry of first.untrusted)
    if (await isConfirmed(entry, terminal)) taken.add(entry.certificate.fingerprint);
  return taken.size === 0 ? first : make();
}

/** A yes at a prompt; without a terminal it is a no. */
async function isConfirmed(
  { certificate, source, neededBy }: BundleEntry,
  { err }: Terminal,
): Promise<boolean> {
  const { subject, fingerprint, notAfter } = certificate;
  err.write(
    `nobody but ${source} itself vouches for this, which ${neededBy.join(', ')} needs:\n  ${subject}, until ${notAfter.toISOString().slice(0, 10)}\n  ${fingerprint}\n`,
  );
  if (!err.isTTY || !process.stdin.isTTY) {
    err.write('  compare the fingerprint with what its operator says, then take it with --fingerprint\n');
    return false;
  }
  const prompt = createInterface({ input: process.stdin, output: err });
  try {
    return /^y(?:es)?$/i.test((await prompt.question('trust it? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}

function fingerprintOf(text: string): string {
  const hex = text
    .replace(/^sha256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return `sha256:${hex}`;
  throw new UserError('USAGE', `--fingerprint ${text} is none of SHA-256`, {
    value: text,
    hint: 'write sha256: and 64 hexadecimal digits, as shown beside the certificate',
  });
}
