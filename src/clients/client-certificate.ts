import type { Setup } from './client.ts';

/**
 * Where a client's own certificate goes, for a cache that asks for one.
 * @param folder the folder that the client keeps for the cache
 */
export function clientCertificateNotes(setup: Setup, folder: string): readonly string[] {
  const files = `${folder}/client.cert, and its key in ${folder}/client.key`;
  switch (setup.clientCertificate) {
    case 'none':
      return [];
    case 'optional':
      return [`The cache takes a client certificate but needs none. Where there is one, put it in ${files}`];
    case 'required':
      return [`The cache refuses clients without a certificate (http.tls.clientcas): put it in ${files}`];
  }
}
