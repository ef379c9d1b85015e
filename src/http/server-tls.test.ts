import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../fixtures/client.ts';
import {
  type CertificateAuthority,
  type CertificateFiles,
  makeCertificateAuthority,
  makeSelfSigned,
  writeCertificate,
} from '../certs/certificate-authority.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { systemClock } from '../async/clock.ts';
import { HttpServer } from './server.ts';
import { loadServerTls, type ServerTlsOptions } from './server-tls.ts';

let folder: TempFolder;
let ca: CertificateAuthority;
let files: CertificateFiles;
let caFile: string;
beforeAll(async () => {
  folder = await tempFolder('server-tls');
  ca = await makeCertificateAuthority();
  files = await writeCertificate(folder.path, 'server', await ca.issue());
  caFile = await ca.write(folder.path, 'ca');
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

function options(more: Partial<ServerTlsOptions> = {}): ServerTlsOptions {
  return {
    certificateFile: files.certificate,
    keyFile: files.key,
    clientCaFiles: [],
    clientAuth: 'none',
    minimumTls: 'TLSv1.2',
    cipherSuites: [],
    ...more,
  };
}

async function serve(more: Partial<ServerTlsOptions> = {}): Promise<HttpServer & AsyncDisposable> {
  const { tls } = await loadServerTls(options(more), Date.now());
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  const server = await HttpServer.listen({
    listen,
    tls,
    headerSizeBytes: 16384,
    headerTimeMs: 5_000,
    connections: 10,
  });
  server.serve((_request, response) => response.end('ok'));
  return Object.assign(server, {
    [Symbol.asyncDispose]: () => server.drain(0, systemClock, AbortSignal.abort()),
  });
}

describe('a TLS server', () => {
  it('serves with a pair, and nobody warns', async () => {
    expect((await loadServerTls(options(), Date.now())).warnings).toEqual([]);
    await using server = await serve();
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect((await (await ask(server.url, { ca: ca.certificatePem })).bytes()).toString()).toBe('ok');
  });

  it('refuses a key that is another certificate’s', async () => {
    const other = await writeCertificate(folder.path, 'other', await ca.issue());
    await expect(loadServerTls(options({ keyFile: other.key }), Date.now())).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      value: other.key,
      exitCode: 2,
    });
  });

  it('refuses a file that holds no certificate, and one that cannot be read', async () => {
    const text = join(folder.path, 'text.pem');
    await writeFile(text, 'hello');
    await expect(loadServerTls(options({ certificateFile: text }), 0)).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      value: text,
    });
    const missing = join(folder.path, 'missing.pem');
    for (const more of [{ certificateFile: missing }, { keyFile: missing }, { clientCaFiles: [missing] }]) {
      await expect(loadServerTls(options(more), 0)).rejects.toMatchObject({
        code: 'CERTIFICATE_UNREADABLE',
        value: missing,
      });
    }
  });

  it('serves an expired certificate all the same, and warns with the day and the way out', async () => {
    const expired = await writeCertificate(
      folder.path,
      'expired',
      await ca.issue({ notAfter: new Date(Date.now() - 60_000) }),
    );
    const more = { certificateFile: expired.certificate, keyFile: expired.key };
    const { warnings } = await loadServerTls(options(more), Date.now());
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/expired on \d{4}-\d\d-\d\d.*SIGHUP/);
    await using server = await serve(more);
    await expect(ask(server.url, { ca: ca.certificatePem })).rejects.toMatchObject({
      code: 'CERT_HAS_EXPIRED',
    });
  });

  it('uses a renewed certificate for new connections', async () => {
    await using server = await serve();
    const renewed = await makeSelfSigned();
    const pair = await writeCertificate(folder.path, 'renewed', renewed);
    const { tls } = await loadServerTls(
      options({ certificateFile: pair.certificate, keyFile: pair.key }),
      Date.now(),
    );
    server.renewTls(tls);
    expect((await ask(server.url, { ca: renewed.certificatePem })).status).toBe(200);
  });

  it('refuses older versions than its minimum, and other suites than it was told', async () => {
    await using strict = await serve({ minimumTls: 'TLSv1.3' });
    await expect(shake(strict, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/version|alert/i);
    await using narrow = await serve({ cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256'] });
    expect(await shake(narrow, { maxVersion: 'TLSv1.2' })).toBe('ECDHE-ECDSA-AES128-GCM-SHA256');
    await expect(
      shake(narrow, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }),
    ).rejects.toThrow(/handshake|alert|cipher/i);
  });
});

describe('client certificates', () => {
  const none = async () => undefined;
  const stranger = async () => (await makeCertificateAuthority('stranger')).issue({ hosts: ['client.test'] });

  it.each([
    ['none', 'no certificate', none, true],
    ['request', 'no certificate', none, true],
    ['request', 'a stranger’s certificate', stranger, true],
    ['require-any', 'no certificate', none, false],
    ['require-any', 'a stranger’s certificate', stranger, true],
    ['verify-if-given', 'no certificate', none, true],
    ['verify-if-given', 'a stranger’s certificate', stranger, false],
    ['require-and-verify', 'no certificate', none, false],
    ['require-and-verify', 'a stranger’s certificate', stranger, false],
  ] as const)('under %s, a client with %s', async (clientAuth, _what, certificate, served) => {
    await using server = await serve({ clientAuth, clientCaFiles: [caFile] });
    const pair = await certificate();
    const asked = request(server, pair === undefined ? {} : { cert: pair.certificatePem, key: pair.keyPem });
    const outcome = await asked.then(
      (text) => text.slice(0, 12),
      () => 'hung up',
    );
    expect(outcome).toBe(served ? 'HTTP/1.1 200' : 'hung up');
  });
});

type Shake = Parameters<typeof connect>[1] & {
  maxVersion?: 'TLSv1.2';
  ciphers?: string;
  cert?: string;
  key?: string;
};

async function shake(server: HttpServer, more: Shake): Promise<string> {
  const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', ca: await readFile(caFile), ...more });
  try {
    await once(socket, 'secureConnect');
    return socket.getCipher().name;
  } finally {
    socket.destroy();
  }
}

/** The first bytes of an answer; throws where the server hangs up. */
async function request(server: HttpServer, more: Shake): Promise<string> {
  const socket = connect({ port: server.port ?? 0, host: '127.0.0.1', ca: await readFile(caFile), ...more });
  try {
    await once(socket, 'secureConnect');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const ended = once(socket, 'close').then(() => {
      throw new Error('hung up');
    });
    ended.catch(() => undefined);
    const answered = once(socket, 'data').then(([bytes]) => String(bytes));
    return await Promise.race([answered, ended]);
  } finally {
    socket.destroy();
  }
}
