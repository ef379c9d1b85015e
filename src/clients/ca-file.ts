import { X509Certificate } from 'node:crypto';
import { UserError } from '../user-error.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Checks what `--ca` names: PEM certificates, and nothing that must not be handed to clients.
 * @param file its name, for messages
 * @returns the text with a line feed at its end
 * @throws {UserError} CA_INVALID
 */
export function checkCa(text: string, file: string): string {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw invalid(
      file,
      'holds a private key',
      'name the file with the CA’s certificate only: every client gets it',
    );
  }
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0)
    throw invalid(file, 'holds no certificate', 'name a PEM file: -----BEGIN CERTIFICATE-----');
  for (const [index, block] of blocks.entries()) {
    try {
      void new X509Certificate(block);
    } catch (error) {
      throw invalid(
        file,
        `holds a certificate that cannot be read, number ${index + 1}`,
        'write the file anew',
        error,
      );
    }
  }
  return text.endsWith('\n') ? text : `${text}\n`;
}

function invalid(file: string, problem: string, hint: string, cause?: unknown): UserError {
  return new UserError('CA_INVALID', `--ca ${file} ${problem}`, { value: file, hint, cause });
}
