import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Certificate, daysLeft, readCertificates, validityAt } from '../certs/certificate.ts';
import { buildChain } from '../certs/chain.ts';
import { type Handshake, handshake } from '../certs/presented-chain.ts';
import { readSystem } from '../certs/read-source.ts';
import { loadTrust } from '../upstream/trust.ts';
import type { Findings } from './finding.ts';
import type { Target } from './target.ts';

const SOON_DAYS = 14;
const MOST_FILES = 200;

/** Shakes hands as a cache would. @returns whether there is TLS that a cache can use */
export async function probeTls(target: Target, findings: Findings, signal: AbortSignal): Promise<boolean> {
  const { url } = target;
  const trust = await loadTrust(target);
  let shaken: Handshake;
  try {
    shaken = await handshake(url, { trust, signal });
  } catch (error) {
    const [seen, mend] = whyNot(error, url);
    findings.fail('tls', seen, mend, 'TLS 1.2 or 1.3');
    return false;
  }
  const http2 = shaken.offersHttp2
    ? ', offers HTTP/2; a cache uses several connections of HTTP/1.1 instead'
    : '';
  findings.ok('tls', `${shaken.protocol}${http2}`);
  const { refusal, presented } = shaken;
  if (refusal === undefined) {
    tellTrusted(presented, await configuredCas(target.caFiles), findings);
    return true;
  }
  await tellRefused(target, shaken, refusal, findings);
  return false;
}

function tellTrusted(presented: readonly Certificate[], cas: readonly Located[], findings: Findings): void {
  const nowMs = Date.now();
  const [leaf] = presented;
  if (leaf === undefined) return;
  const { anchor } = buildChain(leaf, [...presented, ...cas.map(({ certificate }) => certificate)], nowMs);
  const own = cas.find(({ certificate }) => certificate.fingerprint === anchor?.fingerprint);
  const by = own === undefined ? 'the system’s CAs' : `${own.certificate.subject} of ${own.file}`;
  findings.ok('trust', `${leaf.subject}, trusted by ${by}`);
  const last =
    [leaf, ...presented].toSorted((one, other) => one.notAfter.getTime() - other.notAfter.getTime())[0] ??
    leaf;
  const left = daysLeft(last, nowMs);
  if (left < SOON_DAYS) {
    findings.warn(
      'expiry',
      `the certificate ${last.subject} expires on ${day(last.notAfter)}, in ${left} days`,
      'renew it on that server',
      `more than ${SOON_DAYS} days`,
    );
  } else findings.ok('expiry', `good until ${day(last.notAfter)}, ${left} days`);
}

async function tellRefused(
  { url, caFiles }: Target,
  { presented }: Handshake,
  { code, message }: NonNullable<Handshake['refusal']>,
  findings: Findings,
): Promise<void> {
  const nowMs = Date.now();
  const [leaf] = presented;
  if (leaf === undefined) {
    findings.fail('trust', message, 'look at it: openssl s_client -connect ' + url.host);
    return;
  }
  const cas = await configuredCas(caFiles);
  const chain = buildChain(leaf, [...presented, ...cas.map(({ certificate }) => certificate)], nowMs);
  const expired = chain.path.find((each) => validityAt(each, nowMs) === 'expired');
  if (code === 'CERT_HAS_EXPIRED' && expired !== undefined) {
    const file = cas.find(({ certificate }) => certificate.fingerprint === expired.fingerprint)?.file;
    findings.fail(
      'trust',
      `the certificate ${expired.subject} of ${url.host} expired on ${day(expired.notAfter)}`,
      file === undefined
        ? `renew it on ${url.hostname}; a regcache there takes the new file without a restart`
        : `put the CA’s new certificate into ${file}`,
      'a certificate that is valid today',
    );
    return;
  }
  const early = chain.path.find((each) => validityAt(each, nowMs) === 'not yet valid');
  if (code === 'CERT_NOT_YET_VALID' && early !== undefined) {
    findings.fail(
      'trust',
      `the certificate ${early.subject} of ${url.host} is valid from ${day(early.notBefore)} on only`,
      'set the clock of this machine or of the one that issued it: timedatectl',
      'a certificate that is valid today',
    );
    return;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = leaf.names.length === 0 ? 'no name at all' : leaf.names.join(', ');
    findings.fail(
      'name',
      `its certificate is for ${names}, and not for ${url.hostname}`,
      leaf.names.length === 0
        ? `issue one with subjectAltName ${url.hostname}`
        : `write one of its names into the configuration, or issue a certificate for ${url.hostname}`,
      url.hostname,
    );
    return;
  }
  if (code === 'INVALID_PURPOSE') {
    findings.fail(
      'trust',
      `the certificate ${leaf.subject} is not meant for servers`,
      'issue it with extendedKeyUsage = serverAuth',
    );
    return;
  }
  const signer = chain.path.at(-1);
  const issuer = chain.missingIssuer ?? signer?.subject ?? leaf.issuer;
  const helping = await helpingFile(leaf, presented, caFiles, nowMs);
  const mend =
    helping === undefined
      ? `add the CA to cas: regcache certs bundle ${url.origin} --fingerprint … --out cas.pem${leaf.isSelfSigned ? '' : `; or have the server send ${issuer}, if that is an intermediate`}`
      : `add it to the upstream’s cas:\n  cas:\n    - ${helping}`;
  const namesake = cas.find(({ certificate }) => certificate.subject === issuer);
  const seen = leaf.isSelfSigned
    ? `the certificate ${leaf.subject} vouches for itself, and is not in cas`
    : namesake === undefined
      ? `signed by ${issuer}, which is neither sent by the server nor in cas nor in the system’s store`
      : `signed by ${issuer}, but with another key than the CA of that name in ${namesake.file} has`;
  findings.fail(
    'trust',
    seen,
    mend,
    caFiles.length === 0 ? 'a CA in cas or in the system’s store' : `a CA of ${caFiles.join(', ')}`,
  );
}

interface Located {
  readonly certificate: Certificate;
  readonly file: string;
}

async function configuredCas(files: readonly string[]): Promise<readonly Located[]> {
  const found = await Promise.all(files.map(readFileCas));
  return found.flat();
}

async function readFileCas(file: string): Promise<readonly Located[]> {
  try {
    return readCertificates(await readFile(file)).map((certificate) => ({ certificate, file }));
  } catch {
    return [];
  }
}

/** A file beside those of `cas` that would make it trusted. */
async function helpingFile(
  leaf: Certificate,
  presented: readonly Certificate[],
  caFiles: readonly string[],
  nowMs: number,
): Promise<string | undefined> {
  const system = readSystem().map(({ certificate }) => certificate);
  const known = (await configuredCas(caFiles)).map(({ certificate }) => certificate);
  for (const folder of new Set(caFiles.map((file) => dirname(file)))) {
    const names = await readdir(folder).catch(() => []);
    const likely = names.filter((name) => /\.(?:pem|crt|cer)$/i.test(name)).slice(0, MOST_FILES);
    for (const file of likely.map((name) => join(folder, name)).filter((name) => !caFiles.includes(name))) {
      const own = (await readFileCas(file)).map(({ certificate }) => certificate);
      const { anchor } = buildChain(leaf, [...presented, ...known, ...own, ...system], nowMs);
      if (anchor !== undefined && own.some(({ fingerprint }) => fingerprint === anchor.fingerprint))
        return file;
    }
  }
  return undefined;
}

const PLAIN = [
  'it answers in plain text: no TLS on that port',
  'write http:// for it, or the port that speaks TLS',
] as const;
const OLD = [
  'it speaks no TLS 1.2 or newer',
  'turn on TLS 1.2 there: in nginx, ssl_protocols TLSv1.2 TLSv1.3;',
] as const;
const CODES: Readonly<Record<string, readonly [seen: string, mend: string]>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN,
  ERR_SSL_HTTP_REQUEST: PLAIN,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD,
};
/** By the number of the alert (RFC 8446 section 6.2). */
const ALERTS: Readonly<Record<string, readonly [seen: string, mend: string]>> = {
  40: [
    'it refuses the handshake: no cipher in common, or it wants a client certificate',
    'set certificate and key for this hop, or allow modern ciphers on the server',
  ],
  70: OLD,
  112: ['it knows no server of that name', 'write the name that it is configured with'],
  116: ['it wants a client certificate', 'set certificate and key for this hop'],
};

function whyNot(error: unknown, url: URL): readonly [string, string] {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const [, alert = ''] = /SSL alert number (\d+)/.exec(error instanceof Error ? error.message : '') ?? [];
  const known = CODES[code] ?? ALERTS[alert];
  if (known !== undefined) return known;
  const look = `look at it: openssl s_client -connect ${url.host}`;
  const isCut = error instanceof Error && error.message.startsWith('it closed the connection');
  if (code === 'ECONNRESET' || code === 'EPIPE' || isCut)
    return [
      'it ends the connection in the handshake',
      `look for a firewall that inspects TLS in between; ${look}`,
    ];
  if (error instanceof Error && error.name === 'TimeoutError')
    return [
      'it takes the connection, and does not answer the handshake',
      `look for what listens there: ${look}`,
    ];
  return [error instanceof Error ? error.message : String(error), look];
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
