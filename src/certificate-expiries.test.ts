import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { makeSelfSigned } from './certs/certificate-authority.ts';
import { readCertificateExpiries } from './certificate-expiries.ts';
import { loadConfig } from './config/load-config.ts';

/** Ends on that day of 2030. */
async function pemUntil(day: number): Promise<string> {
  const { certificatePem } = await makeSelfSigned({ notAfter: new Date(Date.UTC(2030, 0, day)) });
  return certificatePem;
}

test('each file that the configuration names is told once for each role, by the first that ends', async () => {
  await using folder = await tempFolder('expiries');
  const put = async (name: string, text: string): Promise<string> => {
    const path = join(folder.path, name);
    await writeFile(path, text);
    return path;
  };
  const server = await put('server.pem', (await pemUntil(9)) + (await pemUntil(8)));
  const clients = await put('clients.pem', await pemUntil(10));
  const common = await put('common.pem', await pemUntil(12));
  const own = await put('own.pem', await pemUntil(13));
  const client = await put('client.pem', await pemUntil(14));
  const damaged = await put('damaged.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const empty = await put('empty.pem', '');
  const config = await put(
    'config.yml',
    `version: 0.1
storage: filesystem
http: {tls: {certificate: ${server}, key: ${server}, clientcas: [${clients}]}}
middleware:
  registry:
    - name: downstream
      options:
        cas: [${common}, ${damaged}, ${empty}]
        upstreams:
          - originhost: https://origin.example.com
            certificate: ${client}
            key: ${client}
            upstreamhosts:
              - {url: "https://asia.example.com", cas: [${own}]}
              - https://europe.example.com
`,
  );
  const loaded = await loadConfig({ file: config, env: {}, readFile: (path) => readFile(path, 'utf8') });
  const found = await readCertificateExpiries(loaded.config);
  const byName = found.toSorted((one, other) => one.file.localeCompare(other.file));
  expect(
    byName.map(({ role, file, expiresAtMs }) => [role, file, new Date(expiresAtMs).getUTCDate()]),
  ).toEqual([
    ['client', 'client.pem', 14],
    ['client-ca', 'clients.pem', 10],
    ['ca', 'common.pem', 12],
    ['ca', 'own.pem', 13],
    ['server', 'server.pem', 8],
  ]);
});
