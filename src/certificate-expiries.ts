import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readCertificates } from './certs/certificate.ts';
import type { Config } from './config/config.ts';
import type { CertificateExpiry } from './telemetry/metrics/metric-facts.ts';

/**
 * Reads when the certificates that a configuration names end: for each file, the first of those in it. A file that cannot
 * be read is left out; whoever needs it has said so already.
 */
export async function readCertificateExpiries(config: Config): Promise<readonly CertificateExpiry[]> {
  const read = filesOf(config).map(async ({ role, path }) => {
    const certificates = await readFile(path)
      .then(readCertificates)
      .catch(() => []);
    const ends = certificates.map(({ notAfter }) => notAfter.getTime());
    return ends.length === 0 ? [] : [{ role, file: basename(path), expiresAtMs: Math.min(...ends) }];
  });
  return (await Promise.all(read)).flat();
}

interface CertificateFile {
  readonly role: CertificateExpiry['role'];
  readonly path: string;
}

function filesOf({ http, upstreams }: Config): readonly CertificateFile[] {
  const { tls } = http;
  const files: CertificateFile[] = [
    ...(tls === undefined ? [] : [{ role: 'server' as const, path: tls.certificateFile }]),
    ...(tls?.clientCaFiles ?? []).map((path) => ({ role: 'client-ca' as const, path })),
  ];
  for (const { caFiles, clientCertificate } of upstreams.flatMap(({ hops, fallback }) => [
    ...hops,
    ...(fallback === undefined ? [] : [fallback]),
  ])) {
    files.push(...caFiles.map((path) => ({ role: 'ca' as const, path })));
    if (clientCertificate !== undefined) {
      files.push({ role: 'client', path: clientCertificate.certificateFile });
    }
  }
  return [...new Map(files.map((file) => [`${file.role} ${file.path}`, file])).values()];
}
