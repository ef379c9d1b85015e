import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates, rootCertificates, type SecureContext } from 'node:tls';
import { UserError } from '../user-error.ts';

/** What a hop is trusted by, and what this cache shows it. */
export interface TrustOptions {
  /** PEM files, trusted beside the system's CAs. */
  readonly caFiles: readonly string[];
  readonly clientCertificate: { readonly certificateFile: string; readonly keyFile: string } | undefined;
}

/**
 * Reads CA files and the client certificate into a TLS context: once for all connections to a hop.
 * The system's store honours `SSL_CERT_FILE` and `SSL_CERT_DIR`; a machine without one gets Mozilla's list.
 * @throws {UserError} CA_UNREADABLE, CERTIFICATE_UNREADABLE
 */
export async function loadTrust(options: TrustOptions): Promise<SecureContext> {
  const system = getCACertificates('system');
  const extra = getCACertificates('extra');
  const own = await Promise.all(options.caFiles.map(readCertificates));
  const pair = options.clientCertificate;
  const identity =
    pair === undefined ? {} : { cert: await readPem(pair.certificateFile), key: await readPem(pair.keyFile) };
  try {
    return createSecureContext({
      ca: [...(system.length > 0 ? system : rootCertificates), ...extra, ...own],
      minVersion: 'TLSv1.2',
      ...identity,
    });
  } catch (error) {
    const files = [...options.caFiles, ...(pair === undefined ? [] : [pair.certificateFile, pair.keyFile])];
    throw new UserError(
      'CERTIFICATE_INVALID',
      `cannot use ${files.join(', ')}: not valid PEM, or not a pair`,
      {
        value: files.join(', '),
        hint: 'check each file with `openssl x509 -in FILE -noout -text`',
        cause: error,
      },
    );
  }
}

async function readCertificates(file: string): Promise<string> {
  const pem = await readPem(file);
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new UserError('CERTIFICATE_INVALID', `${file} holds no PEM certificate`, {
    value: file,
    hint: 'it must hold at least one block that begins with -----BEGIN CERTIFICATE-----',
  });
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UserError('CERTIFICATE_UNREADABLE', `cannot read ${file}`, {
      value: file,
      hint: 'check the path and that this user may read it',
      cause: error,
    });
  }
}
