import { readFile } from 'node:fs/promises';
import type { Certificate } from '../src/certs/certificate.ts';
import type { Config, HopConfig } from '../src/config/config.ts';
import { numberOption } from './certs-sources.ts';
import { type Command, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';

/** One certificate of a deployment, or why there is none. */
interface Row {
  /** Its key in the configuration, or the server that presents it. */
  readonly place: string;
  readonly verdict: 'good' | 'soon' | 'bad';
  readonly subject: string;
  readonly notAfter: Date | undefined;
  readonly daysLeft: number | undefined;
  /** What is wrong with it. */
  readonly problem: string | undefined;
}

/** `regcache certs check` */
export const certsCheck: Command = {
  usage: 'check',
  summary: 'show all certificates of a deployment, with the days that are left',
  options: {
    config: { alias: 'c', type: 'string', describe: 'the cache’s configuration file', requiresArg: true },
    days: {
      type: 'string',
      default: '30',
      describe: 'exit code 1 where one has fewer days left',
      requiresArg: true,
    },
    timeout: {
      type: 'string',
      default: '10',
      describe: 'seconds that all hosts together may take',
      requiresArg: true,
    },
    json: { type: 'boolean', default: false, describe: 'print JSON' },
  },
  examples: [
    ['$0 certs check --config china.yml', 'its own certificate, its CAs, and what each hop presents'],
    ['$0 certs check -c china.yml --days 14 || mail …', 'for a timer'],
  ],
  exitCodes: [
    [EXIT.ok, 'every certificate is good'],
    [EXIT.failed, 'one is bad, or has fewer days left than --days'],
    [EXIT.usage, 'the arguments or the configuration are wrong'],
  ],
  run: async (args, terminal) => {
    const { out, env } = terminal;
    const days = numberOption(args, 'days', 0);
    const signal = AbortSignal.timeout(numberOption(args, 'timeout', 1) * 1000);
    const { loadConfig } = await import('../src/config/load-config.ts');
    const { config } = await loadConfig({
      file: textOption(args, 'config'),
      env,
      readFile: async (name) => readFile(name, 'utf8'),
    });
    const rows = [...(await fileRows(config, days)), ...(await hopRows(config, days, signal))];
    if (args['json'] === true) out.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    else
      out.write(
        rows.map((row) => line(row, terminal)).join('') ||
          'no certificate is configured, and no hop has one\n',
      );
    return rows.some(({ verdict }) => verdict !== 'good') ? EXIT.failed : EXIT.ok;
  },
};

async function fileRows({ http, upstreams }: Config, days: number): Promise<readonly Row[]> {
  const hops = upstreams.flatMap(hopsOf);
  const pairs = [
    ...(http.tls === undefined ? [] : [{ place: 'http.tls.certificate', ...http.tls }]),
    ...hops.flatMap(({ url, clientCertificate }) =>
      clientCertificate === undefined
        ? []
        : [{ place: `client certificate for ${url}`, ...clientCertificate }],
    ),
  ];
  const cas = [
    ...(http.tls?.clientCaFiles ?? []).map((file) => ({ place: 'http.tls.clientcas', file })),
    ...hops.flatMap(({ caFiles }) => caFiles.map((file) => ({ place: 'cas', file }))),
  ];
  const unique = new Map(cas.map((ca) => [`${ca.place} ${ca.file}`, ca]));
  const rows = await Promise.all([
    ...pairs.map(
      async ({ place, certificateFile, keyFile }) => await pairRows(place, certificateFile, keyFile, days),
    ),
    ...Array.from(
      unique.values(),
      async ({ place, file }) => await certificateRows(`${place} ${file}`, file, days),
    ),
  ]);
  return rows.flat();
}

async function certificateRows(place: string, file: string, days: number): Promise<readonly Row[]> {
  const { readCertificates } = await import('../src/certs/certificate.ts');
  try {
    const certificates = readCertificates(await readFile(file));
    if (certificates.length === 0) return [badRow(place, 'it holds no certificate: it must be PEM')];
    return await Promise.all(certificates.map(async (certificate) => await rowOf(place, certificate, days)));
  } catch (error) {
    return [badRow(place, messageOf(error))];
  }
}

async function pairRows(place: string, file: string, keyFile: string, days: number): Promise<readonly Row[]> {
  const { keyProblem } = await import('../src/certs/key-problem.ts');
  const rows = await certificateRows(`${place} ${file}`, file, days);
  const problem = await keyProblem(file, keyFile);
  return problem === undefined ? rows : [...rows, badRow(`key ${keyFile}`, problem)];
}

async function hopRows({ upstreams }: Config, days: number, signal: AbortSignal): Promise<readonly Row[]> {
  const hops = new Map(upstreams.flatMap(hopsOf).map((hop) => [hop.url, hop]));
  const rows = await Promise.all(
    Array.from(hops.values())
      .filter(({ url }) => url.startsWith('https:'))
      .map(async (hop) => await presentedRows(hop, days, signal)),
  );
  return rows.flat();
}

async function presentedRows(
  { url, caFiles }: HopConfig,
  days: number,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const { createSecureContext } = await import('node:tls');
  const { handshake } = await import('../src/certs/presented-chain.ts');
  const { handshakeTrusting, refusalText } = await import('../src/certs/verify-hop.ts');
  try {
    const pems = await Promise.all(caFiles.map(async (file) => await readFile(file, 'utf8')));
    const { refusal } = await handshakeTrusting(new URL(url), pems, signal);
    // With a CA that is trusted, OpenSSL would show that one as presented, too.
    const nothing = createSecureContext({ ca: [] });
    const { presented } = await handshake(new URL(url), { trust: nothing, signal });
    const rows = await Promise.all(presented.map(async (certificate) => await rowOf(url, certificate, days)));
    return refusal === undefined ? rows : [...rows, badRow(url, refusalText(refusal))];
  } catch (error) {
    return [badRow(url, messageOf(error))];
  }
}

async function rowOf(place: string, certificate: Certificate, days: number): Promise<Row> {
  const { daysLeft, validityAt } = await import('../src/certs/certificate.ts');
  const nowMs = Date.now();
  const left = daysLeft(certificate, nowMs);
  const validity = validityAt(certificate, nowMs);
  return {
    place,
    verdict: validity === 'valid' ? (left < days ? 'soon' : 'good') : 'bad',
    subject: certificate.subject,
    notAfter: certificate.notAfter,
    daysLeft: left,
    problem: validity === 'valid' ? undefined : validity,
  };
}

function badRow(place: string, problem: string): Row {
  return { place, verdict: 'bad', subject: '', notAfter: undefined, daysLeft: undefined, problem };
}

const SIGNS = { good: '✔', soon: '!', bad: '✖' } as const;
const COLOURS = { good: 32, soon: 33, bad: 31 } as const;

function line({ place, verdict, subject, notAfter, daysLeft, problem }: Row, { out, env }: Terminal): string {
  const isColoured = out.isTTY && (env['NO_COLOR'] ?? '') === '';
  const sign = isColoured ? `\u001B[${COLOURS[verdict]}m${SIGNS[verdict]}\u001B[0m` : SIGNS[verdict];
  const until =
    notAfter === undefined ? '' : ` until ${notAfter.toISOString().slice(0, 10)}, ${daysText(daysLeft ?? 0)}`;
  const who = subject === '' ? '' : `: ${subject}`;
  return `${sign} ${place}${who}${until}${problem === undefined ? '' : `: ${problem}`}\n`;
}

function daysText(days: number): string {
  return days < 0 ? `${-days} days ago` : `${days} days left`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hopsOf({ hops, fallback }: Config['upstreams'][number]): readonly HopConfig[] {
  return fallback === undefined ? hops : [...hops, fallback];
}
