import { once } from 'node:events';
import { createServer } from 'node:https';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { saysJson } from '../../fixtures/behaviour.ts';
import {
  type CertificateAuthority,
  type CertificatePair,
  makeCertificateAuthority,
  makeSelfSigned,
  writeCertificate,
} from '../certs/certificate-authority.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { openTestUpstream, PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import type { HopSettings, UpstreamSettings } from './open-upstream.ts';

const TAGS = '/v2/lib/app/tags/list';

let folder: TempFolder;
let ca: CertificateAuthority;
let caFile: string;
beforeAll(async () => {
  folder = await tempFolder('tls');
  ca = await makeCertificateAuthority();
  caFile = await ca.write(folder.path, 'ca');
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

async function askTags(url: string, settings: Partial<HopSettings & UpstreamSettings> = {}): Promise<string> {
  await using open = await openTestUpstream(url, settings);
  const { kind } = await open.upstream.list(
    { kind: 'tags', name: REPOSITORY },
    new URLSearchParams(),
    PASSPORT,
    unending(),
  );
  return kind;
}

describe('trust in an upstream', () => {
  it('comes from a CA in `cas`, and the connection works', async () => {
    await using upstream = await startScriptedUpstream({ tls: await ca.issue() });
    upstream.on('GET', TAGS, saysJson({ tags: [] }));
    expect(await askTags(upstream.url, { caFiles: [caFile] })).toBe('found');
  });

  const day = 24 * 60 * 60 * 1000;
  it.each<[string, () => Promise<CertificatePair>, RegExp, RegExp]>([
    [
      'from an unknown CA',
      async () => (await makeCertificateAuthority('another')).issue(),
      /untrusted|not signed/,
      /`cas`/,
    ],
    [
      'from an impostor of the known CA',
      async () => (await makeCertificateAuthority()).issue(),
      /untrusted|not signed/,
      /`cas`/,
    ],
    ['of its own making', () => makeSelfSigned(), /self-signed/, /`cas`/],
    ['that has expired', () => ca.issue({ notAfter: new Date(Date.now() - 1000) }), /expired/, /renew/],
    [
      'that is not valid yet',
      () => ca.issue({ notBefore: new Date(Date.now() + day) }),
      /not valid yet/,
      /clock/,
    ],
    ['for another name', () => ca.issue({ hosts: ['elsewhere.test'] }), /another host name/, /right name/],
  ])('is refused to a certificate %s, with a hint', async (_what, certificate, message, hint) => {
    await using upstream = await startScriptedUpstream({ tls: await certificate() });
    const asked = askTags(upstream.url, { caFiles: [caFile] });
    await expect(asked).rejects.toMatchObject({
      kind: 'tls',
      retryable: false,
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    });
    expect(upstream.requests).toEqual([]);
  });

  it('is refused to a port that speaks plain HTTP', async () => {
    await using upstream = await startScriptedUpstream();
    await expect(askTags(upstream.url.replace('http:', 'https:'))).rejects.toMatchObject({ kind: 'tls' });
  });

  it('cannot be built from a missing file, a file without a certificate, or two files that are no pair', async () => {
    const text = join(folder.path, 'text.pem');
    await writeFile(text, 'no certificate');
    const missing = join(folder.path, 'missing.pem');
    await expect(askTags('https://127.0.0.1:1', { caFiles: [missing] })).rejects.toMatchObject({
      code: 'CERTIFICATE_UNREADABLE',
      value: missing,
    });
    await expect(askTags('https://127.0.0.1:1', { caFiles: [text] })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      value: text,
    });
    const [one, other] = await Promise.all([ca.issue(), ca.issue()]);
    const files = await writeCertificate(folder.path, 'mixed', { ...one, keyPem: other.keyPem });
    const clientCertificate = { certificateFile: files.certificate, keyFile: files.key };
    await expect(askTags('https://127.0.0.1:1', { clientCertificate })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    });
  });
});

describe('a client certificate', () => {
  it('is shown to its hop, and to nobody that the hop redirects to', async () => {
    const seen: string[] = [];
    await using hop = await startMutual('hop', seen);
    await using target = await startMutual('target', seen);
    hop.location = `${target.url}/x`;
    const files = await writeCertificate(folder.path, 'client', await ca.issue({ hosts: ['client.test'] }));
    const clientCertificate = { certificateFile: files.certificate, keyFile: files.key };
    expect(await askTags(hop.url, { caFiles: [caFile], clientCertificate })).toBe('found');
    expect(seen).toEqual(['hop: client.test', 'target: none']);
  });
});

/** A TLS server that asks for a certificate and notes whose it is; it redirects if it has a location. */
async function startMutual(name: string, seen: string[]) {
  const pair = await ca.issue();
  const server = createServer(
    { cert: pair.certificatePem, key: pair.keyPem, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const subject = (request.socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'none';
      seen.push(`${name}: ${subject.replace('CN=', '')}`);
      if (started.location === undefined) response.end('{}');
      else response.writeHead(307, { location: started.location }).end();
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const started = {
    url: `https://127.0.0.1:${port}`,
    location: undefined as string | undefined,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return started;
}
