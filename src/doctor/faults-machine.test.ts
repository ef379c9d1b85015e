import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../fixtures/free-port.ts';
import { startSmallRegistry } from '../../fixtures/small-registry.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import {
  type CertificateAuthority,
  type CertificateFiles,
  makeCertificateAuthority,
  makeSelfSigned,
  writeCertificate,
} from '../certs/certificate-authority.ts';
import { makeByOpenssl } from '../../fixtures/openssl-certificates.ts';
import { examineMachine, type Machine } from './examine-machine.ts';
import type { Finding, Verdict } from './finding.ts';
import { regcacheAnswers } from './regcache-answers.ts';

const DAY_MS = 86_400_000;
const day = (days: number): Date => new Date(Date.now() + days * DAY_MS);
const cleanup = new AsyncDisposableStack();

let folder: string;
let authority: CertificateAuthority;
let good: CertificateFiles;

beforeAll(async () => {
  folder = cleanup.use(await tempFolder('machine')).path;
  authority = await makeCertificateAuthority('machine CA');
  good = await certificate('good', { notAfter: day(25) });
});

afterAll(async () => {
  await cleanup.disposeAsync();
});

async function certificate(
  name: string,
  request: Parameters<CertificateAuthority['issue']>[0],
): Promise<CertificateFiles> {
  return await writeCertificate(folder, name, await authority.issue(request));
}

const tls = ({ certificate: certificateFile, key: keyFile }: CertificateFiles) => ({
  certificateFile,
  keyFile,
  clientCaFiles: [],
});

async function machine(more: Partial<Machine>): Promise<Machine> {
  return {
    configName: 'config.yml',
    warnings: [],
    root: join(folder, 'store'),
    blobTtlMs: undefined,
    deleteEnabled: true,
    listen: { kind: 'tcp', host: '127.0.0.1', port: await freePort() },
    tls: tls(good),
    connections: 100,
    ...more,
  };
}

async function examine(more: Partial<Machine>): Promise<readonly Finding[]> {
  const examined = await machine(more);
  const running = async () => await regcacheAnswers(examined.listen, examined.tls !== undefined);
  const { findings } = await examineMachine(examined, { running });
  return findings;
}

const wrong = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'failed');

type Row = readonly [
  name: string,
  check: string,
  verdict: Verdict,
  seen: RegExp,
  way: RegExp,
  plant: () => Promise<{
    readonly before: Partial<Machine>;
    readonly mend: () => Promise<Partial<Machine>> | Partial<Machine>;
  }>,
];

async function taken(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) =>
    socket.on('error', () => undefined).end('SSH-2.0-x\r\n', () => socket.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.defer(() => void server.close());
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

const ROWS: readonly Row[] = [
  [
    'what the configuration’s check warns of',
    'config',
    'warning',
    /has no effect/,
    /regcache config check --config config\.yml/,
    async () => ({ before: { warnings: ['config.yml:3: x has no effect'] }, mend: () => ({ warnings: [] }) }),
  ],
  [
    'a TTL, and nothing may be deleted',
    'delete',
    'failed',
    /nothing may be deleted/,
    /delete:\n {4}enabled: true/,
    async () => ({
      before: { blobTtlMs: 1000, deleteEnabled: false },
      mend: () => ({ blobTtlMs: 1000, deleteEnabled: true }),
    }),
  ],
  [
    'a root that is a file',
    'root',
    'failed',
    /is no folder/,
    /storage\.filesystem\.rootdirectory/,
    async () => {
      const root = join(folder, 'file');
      await writeFile(root, '');
      return {
        before: { root },
        mend: async () => {
          await rm(root);
          await mkdir(root);
          return { root };
        },
      };
    },
  ],
  [
    'a root that cannot be written',
    'root',
    'failed',
    /\/proc\/self cannot be written/,
    /storage\.filesystem\.rootdirectory|chown/,
    async () => ({ before: { root: '/proc/self' }, mend: () => ({}) }),
  ],
  [
    'a port that something else has',
    'port',
    'failed',
    /something else answers|taken/,
    /ss -ltnp/,
    async () => {
      const { server, port } = await taken();
      const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
      return {
        before: { listen },
        mend: async () => {
          server.close();
          await once(server, 'close');
          return { listen };
        },
      };
    },
  ],
  [
    'a port that another registry has',
    'port',
    'failed',
    /something else answers/,
    /http\.addr/,
    async () => {
      const other = cleanup.use(await startSmallRegistry());
      const listen = { kind: 'tcp', host: '127.0.0.1', port: other.port } as const;
      return {
        before: { listen, tls: undefined },
        mend: async () => ({ tls: undefined, listen: { ...listen, port: await freePort() } }),
      };
    },
  ],
  [
    'an address of another machine',
    'port',
    'failed',
    /192\.0\.2\.1 is no address of this machine/,
    /ip addr/,
    async () => ({
      before: { listen: { kind: 'tcp', host: '192.0.2.1', port: await freePort() } },
      mend: () => ({}),
    }),
  ],
  [
    'a name that is unknown',
    'port',
    'failed',
    /no-such-host\.invalid of http\.addr is unknown/,
    /ip addr/,
    async () => ({
      before: { listen: { kind: 'tcp', host: 'no-such-host.invalid', port: await freePort() } },
      mend: () => ({}),
    }),
  ],
  [
    'more connections than files',
    'files',
    'warning',
    /files may be open/,
    /LimitNOFILE=/,
    async () => ({ before: { connections: 2 ** 31 }, mend: () => ({}) }),
  ],
  [
    'another certificate’s key',
    'key',
    'failed',
    /it is not the key of/,
    /http\.tls\.key/,
    async () => {
      const other = await certificate('other', { notAfter: day(25) });
      return { before: { tls: { ...tls(good), keyFile: other.key } }, mend: () => ({}) };
    },
  ],
  [
    'a key that all can read',
    'key',
    'warning',
    /every user of this machine can read it/,
    /^chmod 600 /,
    async () => {
      const open = await certificate('open', { notAfter: day(25) });
      await chmod(open.key, 0o644);
      return {
        before: { tls: tls(open) },
        mend: async () => {
          await chmod(open.key, 0o600);
          return { tls: tls(open) };
        },
      };
    },
  ],
  [
    'an own certificate that expired',
    'certificate',
    'failed',
    /own certificate expired on 20/,
    /renew .*expired\.pem/,
    async () => {
      const expired = await certificate('expired', { notBefore: day(-9), notAfter: day(-1) });
      return {
        before: { tls: tls(expired) },
        mend: async () => ({ tls: tls(await certificate('expired', { notAfter: day(25) })) }),
      };
    },
  ],
  [
    'one that is not valid yet',
    'certificate',
    'failed',
    /is valid from 20.* on only/,
    /timedatectl/,
    async () => ({
      before: { tls: tls(await certificate('early', { notBefore: day(1), notAfter: day(25) })) },
      mend: () => ({}),
    }),
  ],
  [
    'one that expires soon',
    'certificate',
    'warning',
    /expires on .*, in 3 days/,
    /renew .*soon\.pem/,
    async () => ({
      before: { tls: tls(await certificate('soon', { notAfter: day(3.5) })) },
      mend: async () => ({ tls: tls(await certificate('soon', { notAfter: day(25) })) }),
    }),
  ],
  [
    'one without names',
    'names',
    'warning',
    /no subjectAltName: clients refuse it/,
    /names that clients use/,
    async () => {
      const file = await makeByOpenssl(folder, { name: 'nameless', isCa: true });
      await chmod(file.key, 0o600);
      return { before: { tls: tls(file) }, mend: () => ({}) };
    },
  ],
  [
    'a file that holds no certificate',
    'certificate',
    'failed',
    /holds no certificate/,
    /http\.tls\.certificate/,
    async () => {
      const garbage = join(folder, 'garbage.pem');
      await writeFile(garbage, 'hello');
      return { before: { tls: { ...tls(good), certificateFile: garbage } }, mend: () => ({}) };
    },
  ],
  [
    'a client CA that expired',
    'clientcas',
    'warning',
    /has expired: its clients are refused/,
    /new certificate into .*client-ca\.pem/,
    async () => {
      const file = join(folder, 'client-ca.pem');
      const renew = async (until: Date) =>
        await writeFile(file, (await makeSelfSigned({ notBefore: day(-9), notAfter: until })).certificatePem);
      await renew(day(-1));
      const with_ = { tls: { ...tls(good), clientCaFiles: [file] } };
      return {
        before: with_,
        mend: async () => {
          await renew(day(25));
          return with_;
        },
      };
    },
  ],
];

describe('a machine that is not ready', () => {
  test.for(ROWS)('%s', async ([, check, verdict, seen, way, plant]) => {
    const { before, mend } = await plant();
    const found = wrong(await examine(before));
    const finding = found.find((each) => each.check === check);
    expect(finding ?? found).toMatchObject({ verdict });
    expect(finding?.seen).toMatch(seen);
    expect(finding?.mend).toMatch(way);
    expect(wrong(await examine(await mend()))).toEqual([]);
  });

  test('one that is has nothing said of it, and nothing left on it', async () => {
    const findings = await examine({ root: join(folder, 'not', 'there', 'yet') });
    expect(findings.map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
      'config ok',
      'root ok',
      'space ok',
      'files ok',
      'port ok',
      'key ok',
      'certificate ok',
    ]);
    expect(findings[1]?.seen).toContain('is not there yet');
  });
});
