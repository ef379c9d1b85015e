import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, rootCertificates } from 'node:tls';
import { UserError } from '../user-error.ts';
import type { Found } from './bundle.ts';
import { certificateOf, readCertificates } from './certificate.ts';
import { readPkcs12 } from './pkcs12.ts';

/** What was found, and what could not be read: a line each. */
export interface SourceContent {
  readonly found: readonly Found[];
  readonly warnings: readonly string[];
}

export interface SourceDeps {
  /** Of PKCS#12 files; undefined where none was given. */
  readonly password: string | undefined;
  /** Who vouches for them; the operator, by default. */
  readonly vouchedBy?: Found['vouchedBy'] | undefined;
}

const MOST_FILE_BYTES = 16 * 1024 * 1024;

/** The CAs that this system trusts; Mozilla's where it has no store. */
export function readSystem(): readonly Found[] {
  const system = getCACertificates('system');
  const pems = system.length > 0 ? system : rootCertificates;
  return pems.map((pem) => ({ certificate: certificateOf(pem), source: 'system', vouchedBy: 'system' }));
}

/**
 * Reads a file (PEM, DER, PKCS#12) or all files of a folder.
 * @throws {UserError} SOURCE_UNREADABLE, CERTIFICATE_INVALID; of a folder's files, what is no certificate is passed over
 */
export async function readSource(path: string, deps: SourceDeps): Promise<SourceContent> {
  const kind = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (!kind.isDirectory()) return { found: await readOne(path, deps), warnings: [] };
  const names = (await readdir(path, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
  const found: Found[] = [];
  const warnings: string[] = [];
  for (const { name } of names.toSorted((one, other) => one.name.localeCompare(other.name, 'en'))) {
    const file = join(path, name);
    try {
      found.push(...(await readOne(file, deps)));
    } catch (error) {
      warnings.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (found.length === 0) {
    throw new UserError('CERTIFICATE_INVALID', `${path} holds no file with a certificate`, {
      value: path,
      hint: 'name a file, or a folder with PEM, DER or PKCS#12 files',
    });
  }
  return { found, warnings };
}

async function readOne(
  path: string,
  { password, vouchedBy = 'given' }: SourceDeps,
): Promise<readonly Found[]> {
  const bytes = await readBounded(path);
  const found = (certificates: ReturnType<typeof readCertificates>): readonly Found[] =>
    certificates.map((certificate) => ({ certificate, source: path, vouchedBy }));
  let problem: unknown;
  try {
    const certificates = readCertificates(bytes);
    if (certificates.length > 0) return found(certificates);
  } catch (error) {
    problem = error;
  }
  if (bytes[0] === 0x30) {
    const container = await readPkcs12(bytes, password ?? '');
    if (container.kind === 'certificates') return found(container.certificates);
    if (container.kind === 'wrong password') {
      throw new UserError(
        'PASSWORD_WRONG',
        `${path}: the password of this PKCS#12 file is ${password === undefined ? 'missing' : 'another'}`,
        {
          value: path,
          hint: 'name a file that holds it with --password-file',
        },
      );
    }
    problem ??= new Error(container.message);
  }
  const why = problem instanceof Error ? `: ${problem.message}` : '';
  throw new UserError('CERTIFICATE_INVALID', `${path} holds no certificate${why}`, {
    value: path,
    hint: 'it must be PEM (-----BEGIN CERTIFICATE-----), DER or PKCS#12',
    cause: problem,
  });
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MOST_FILE_BYTES) throw new Error(`it has ${size} bytes, which is no certificate`);
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): UserError {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'no permission' : String(cause);
  return new UserError('SOURCE_UNREADABLE', `${path} cannot be read (${why})`, {
    value: path,
    hint: 'name a file, a folder, https://host[:port], or system',
    cause,
  });
}
