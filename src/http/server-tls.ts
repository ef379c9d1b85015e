import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureVersion, type TlsOptions } from 'node:tls';
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

/**
 * Reads a server's certificate and key and checks that they are a pair.
 * @returns options for Node's TLS server, and what the operator should know of the certificate
 * @throws {UserError} CERTIFICATE_UNREADABLE, CERTIFICATE_INVALID
 */
export async function loadServerTls(
  options: ServerTlsOptions,
  nowMs: number,
): Promise<{ readonly tls: TlsOptions; readonly warnings: readonly string[] }> {
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
  const verify = options.clientAuth === 'verify-if-given' || options.clientAuth === 'require-and-verify';
  const require = options.clientAuth === 'require-any' || options.clientAuth === 'require-and-verify';
  const tls: TlsOptions = {
    cert,
    key,
    minVersion: options.minimumTls,
    ...(ca.length === 0 ? {} : { ca }),
    ...(options.cipherSuites.length === 0 ? {} : { ciphers: options.cipherSuites.join(':') }),
    requestCert: options.clientAuth !== 'none',
    rejectUnauthorized: verify && require,
  };
  return { tls, warnings: validity(certificate, options.certificateFile, nowMs) };
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
