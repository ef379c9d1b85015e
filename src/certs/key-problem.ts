import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

const OTHERS_MAY_READ = 0o004;

/**
 * What is wrong with a key file and the certificate that it is to belong to.
 * @param certificateFile PEM, the server's own certificate first
 * @returns undefined where they are a pair that nobody else can read
 */
export async function keyProblem(certificateFile: string, keyFile: string): Promise<string | undefined> {
  try {
    const certificate = new X509Certificate(await readFile(certificateFile));
    const key = createPrivateKey(await readFile(keyFile));
    if (!certificate.checkPrivateKey(key)) return `it is not the key of ${certificateFile}`;
    const { mode } = await stat(keyFile);
    return (mode & OTHERS_MAY_READ) === 0 ? undefined : 'every user of this machine can read it: chmod 600';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
