import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureVersion, type TlsOptions, type TLSSocket } from 'node:tls';
import { UserError } from '../user-error.ts';

export interface ServerTlsOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly clientCaFiles: readonly string[];
  /** Distribution's words. */
  readonly clientAuth: 'none' | 'request' | 'require-any' | 'verify-if-given' | 'require-and-verify';
  readonly minimumTls: SecureVersion;
  /** OpenSSL's names; empty for Node's default. */
  readonly cipherSuites: readonly string[];
}

/** What Node's TLS cannot be told: that any certificate will do, or that none will but a bad one won't. */
type ClientRule = 'any-certificate' | 'verified-if-given';

/** Options for Node's TLS server; a listener must check `clientRule` by {@link admits}. */
export interface ServerTls extends TlsOptions {
  readonly clientRule?: ClientRule;
}

/** Whether a client that has shaken hands may stay. */
export function admits(rule: ClientRule, socket: TLSSocket): boolean {
  const given = socket.getPeerX509Certificate() !== undefined;
  return rule === 'any-certificate' ? given : !given || socket.authorized;
}

/**
 * Reads a server's certificate and key and checks that they are a pair.
 * @returns options for Node's TLS server, and what the operator should know of the certificate
 * @throws {UserError} CERTIFICATE_UNREADABLE, CERTIFICATE_INVALID
 */
export async function loadServerTls(
  options: ServerTlsOptions,
  nowMs: number,
): Promise<{ readonly tls: ServerTls; readonly warnings: readonly string[] }> {
  const [cert, key] = await Promise.all([read(options.certificateFile), read(options.keyFile)]);
  const ca = await Promise.all(options.clientCaFiles.map(read));
  const certificate = parseCertificate(cert, options.certificateFile);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new UserError(
      'CERTIFICATE_INVALID',
      `${options.keyFile} is not the key of the certificate in ${options.certificateFile}`,
      {
        value: options.keyFile,
        hint: 'set `http.tls.certificate` and `http.tls.key` to a pair in PEM',
        cause: error,
      },
    );
  }
  const tls: ServerTls = {
    cert,
    key,
    minVersion: options.minimumTls,
    ...(ca.length === 0 ? {} : { ca }),
    ...(options.cipherSuites.length === 0 ? {} : { ciphers: options.cipherSuites.join(':') }),
    requestCert: options.clientAuth !== 'none',
    rejectUnauthorized: options.clientAuth === 'require-and-verify',
    ...clientRule(options.clientAuth),
  };
  return { tls, warnings: validity(certificate, options.certificateFile, nowMs) };
}

function clientRule(clientAuth: ServerTlsOptions['clientAuth']): Pick<ServerTls, 'clientRule'> {
  switch (clientAuth) {
    case 'require-any':
      return { clientRule: 'any-certificate' };
    case 'verify-if-given':
      return { clientRule: 'verified-if-given' };
    case 'none':
    case 'request':
    case 'require-and-verify':
      return {};
  }
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UserError('CERTIFICATE_UNREADABLE', `cannot read ${file}`, {
      value: file,
      hint: 'check the path under `http.tls` and that this user may read it',
      cause: error,
    });
  }
}

function parseCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new UserError('CERTIFICATE_INVALID', `${file} holds no certificate in PEM`, {
      value: file,
      hint: 'it must begin with -----BEGIN CERTIFICATE-----, the server’s own certificate first',
      cause: error,
    });
  }
}

/** An expired certificate is served all the same: clients say why they refuse it better than a closed port does. */
function validity(certificate: X509Certificate, file: string, nowMs: number): string[] {
  const until = new Date(certificate.validTo);
  if (until.getTime() < nowMs) {
    return [
      `the certificate in ${file} expired on ${until.toISOString().slice(0, 10)}: clients will refuse it; renew it and send SIGHUP`,
    ];
  }
  return [];
}
