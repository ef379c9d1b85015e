import type { Bundle } from '../src/certs/bundle.ts';
import type { Certificate } from '../src/certs/certificate.ts';
import type { HopVerdict } from '../src/certs/verify-hop.ts';
import { UserError } from '../src/user-error.ts';
import { assemble, TRUST_OPTIONS } from './certs-assemble.ts';
import {
  configuredTrust,
  numberOption,
  readSources,
  SOURCE_OPERANDS,
  SOURCE_OPTIONS,
  type Sources,
  sourcesNamed,
} from './certs-sources.ts';
import { type Command, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';

const DAY_MS = 86_400_000;

/** `regcache certs bundle` */
export const certsBundle: Command = {
  usage: 'bundle [sources..]',
  summary: 'assemble the CA bundle that a cache needs for its hops, and verify each of them against it',
  operands: SOURCE_OPERANDS,
  options: {
    ...SOURCE_OPTIONS,
    config: {
      alias: 'c',
      type: 'string',
      describe: 'config.yml: every hop and origin that it names',
      requiresArg: true,
    },
    out: {
      alias: 'o',
      type: 'string',
      describe: 'write it to a file instead of the standard output',
      requiresArg: true,
    },
    ...TRUST_OPTIONS,
    check: {
      type: 'boolean',
      default: false,
      describe: 'write nothing; exit code 1 where a hop would not verify or an entry expires soon',
    },
    days: { type: 'string', default: '30', describe: 'with --check: what counts as soon', requiresArg: true },
    json: { type: 'boolean', default: false, describe: 'tell about it in JSON; needs --out or --check' },
  },
  examples: [
    [
      '$0 certs bundle --config china.yml --fingerprint sha256:… --out cas.pem',
      'all that china.yml pulls from',
    ],
    [
      '$0 certs bundle asia-ca.pem /etc/dtr/certs https://dtr.example.com',
      'files, folders and hosts, to the standard output',
    ],
    ['$0 certs bundle cas.pem --config china.yml --check --days 14', 'would it still do in two weeks?'],
  ],
  exitCodes: [
    [EXIT.ok, 'every hop verifies'],
    [EXIT.failed, 'a hop does not verify, or with --check something expires soon'],
    [EXIT.usage, 'the arguments or a file are wrong'],
  ],
  run: async (args, terminal) => {
    const { out, err } = terminal;
    const config = textOption(args, 'config');
    const [file, isCheck, isJson] = [textOption(args, 'out'), args['check'] === true, args['json'] === true];
    if (isJson && file === undefined && !isCheck) {
      throw new UserError('USAGE', '--json and the bundle both want the standard output', {
        hint: 'name a file with --out',
      });
    }
    const named = sourcesNamed(args);
    if (named.length === 0 && config === undefined) {
      throw new UserError('USAGE', 'there is nothing to make a bundle of', {
        hint: 'name files, folders, https://host[:port] or system, or a configuration with --config',
      });
    }
    const configured = config === undefined ? undefined : await configuredTrust(config);
    // What signs a public registry is in the system's store.
    const sources = await readSources(
      [...named, ...(named.includes('system') ? [] : ['system'])],
      configured,
      args,
    );
    const { bundleText } = await import('../src/certs/bundle.ts');
    const bundle = await assemble(sources, named.includes('system'), args, terminal);
    const text = bundleText(bundle);
    const verdicts = await verify(sources, bundle, args);
    const soon = expiringSoon(bundle, numberOption(args, 'days', 0));
    const bad = verdicts.some(({ verdict }) => verdict.kind !== 'trusted') || sources.failures.length > 0;
    tell(sources, bundle, verdicts, isCheck ? soon : [], err);
    if (isJson) out.write(`${JSON.stringify(summary(sources, bundle, verdicts, soon), undefined, 2)}\n`);
    if (isCheck) return bad || soon.length > 0 ? EXIT.failed : EXIT.ok;
    if (bad) {
      throw new UserError('NOT_VERIFIED', 'nothing was written: not every hop verifies against the bundle', {
        hint: 'see above for each; a CA that only its host vouches for is taken with --fingerprint or --trust-on-first-use',
        exitCode: EXIT.failed,
      });
    }
    if (bundle.entries.length === 0) {
      err.write('no CA is needed beside the system’s: nothing was written\n');
      return EXIT.ok;
    }
    if (file === undefined) out.write(text);
    else {
      const { writeAtomically } = await import('../src/certs/write-atomically.ts');
      await writeAtomically(file, text);
      err.write(
        `wrote ${file}: ${bundle.entries.length} certificates, every hop verifies\n\nput this into config.yml:\n  cas:\n    - ${file}\n`,
      );
    }
    return EXIT.ok;
  },
};

interface Verified {
  readonly url: string;
  readonly verdict: HopVerdict;
}

async function verify(
  sources: Sources,
  bundle: Bundle,
  args: Readonly<Record<string, unknown>>,
): Promise<readonly Verified[]> {
  const { verifyHop } = await import('../src/certs/verify-hop.ts');
  const pem = bundle.entries.map(({ certificate }) => certificate.x509.toString());
  const signal = AbortSignal.timeout(numberOption(args, 'timeout', 1) * 1000);
  return await Promise.all(
    sources.hops.map(async ({ url }): Promise<Verified> => {
      try {
        return { url, verdict: await verifyHop(new URL(url), pem, signal) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { url, verdict: { kind: 'refused', code: 'UNREACHABLE', why } };
      }
    }),
  );
}

function expiringSoon({ entries, chains }: Bundle, days: number): readonly string[] {
  const untilMs = Date.now() + days * DAY_MS;
  const soon = (certificate: Certificate): boolean => certificate.notAfter.getTime() < untilMs;
  return [
    ...entries
      .filter(({ certificate }) => soon(certificate))
      .map(
        ({ certificate }) =>
          `${certificate.subject} expires on ${certificate.notAfter.toISOString().slice(0, 10)}`,
      ),
    ...chains.flatMap(({ url, chain }) =>
      chain.path
        .slice(0, 1)
        .filter(soon)
        .map((leaf) => `the certificate of ${url} expires on ${leaf.notAfter.toISOString().slice(0, 10)}`),
    ),
  ];
}

function tell(
  sources: Sources,
  bundle: Bundle,
  verdicts: readonly Verified[],
  soon: readonly string[],
  err: Terminal['err'],
): void {
  for (const warning of sources.warnings) err.write(`passed over: ${warning}\n`);
  for (const { certificate, why } of bundle.leftOut)
    err.write(`left out: ${certificate.subject || certificate.fingerprint}: ${why}\n`);
  for (const { url, message } of sources.failures)
    err.write(`✖ ${url}: ${message.replace(`${url}: `, '')}\n`);
  for (const { url, verdict } of verdicts) {
    const missing = bundle.chains.find((each) => each.url === url)?.chain.missingIssuer;
    const hint = missing === undefined ? '' : `; signed by ${missing}, whose certificate no source has`;
    err.write(verdict.kind === 'trusted' ? `✔ ${url} verifies\n` : `✖ ${url}: ${verdict.why}${hint}\n`);
  }
  for (const line of soon) err.write(`! ${line}\n`);
}

function summary(
  sources: Sources,
  bundle: Bundle,
  verdicts: readonly Verified[],
  soon: readonly string[],
): unknown {
  const plain = ({ subject, issuer, fingerprint, notBefore, notAfter }: Certificate): unknown => ({
    subject,
    issuer,
    fingerprint,
    notBefore,
    notAfter,
  });
  return {
    entries: bundle.entries.map(({ certificate, source, neededBy }) => ({
      certificate: plain(certificate),
      source,
      neededBy,
    })),
    leftOut: bundle.leftOut.map(({ certificate, source, why }) => ({
      certificate: plain(certificate),
      source,
      why,
    })),
    untrusted: bundle.untrusted.map(({ certificate, source, neededBy }) => ({
      certificate: plain(certificate),
      source,
      neededBy,
    })),
    hops: verdicts,
    failures: sources.failures,
    expiringSoon: soon,
  };
}
