import { readFile, writeFile } from 'node:fs/promises';
import type { ServerOptions } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeByOpenssl } from '../../fixtures/openssl-certificates.ts';
import { examine, type Fault, targetOf, tryFault } from '../../fixtures/planted-fault.ts';
import {
  clientFiles,
  type ConfigFault,
  configFault,
  day,
  shown,
  TlsWorld,
} from '../../fixtures/tls-world.ts';
import { makeCertificateAuthority, makeSelfSigned } from '../certs/certificate-authority.ts';
import type { Verdict } from './finding.ts';

let world: TlsWorld;

beforeAll(async () => {
  world = await TlsWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

type Row = readonly [
  name: string,
  check: string,
  verdict: Verdict,
  seen: RegExp,
  way: RegExp,
  tls: () => Promise<ServerOptions>,
];

/** Servers with a bad certificate; each gets a good one. */
const SERVERS: readonly Row[] = [
  [
    'an expired certificate',
    'trust',
    'failed',
    /CN=localhost of 127\.0\.0\.1:\d+ expired on 20\d\d-\d\d-\d\d/,
    /renew it on 127\.0\.0\.1/,
    async () => world.issued({ notBefore: day(-9), notAfter: day(-2) }),
  ],
  [
    'one that is not valid yet',
    'trust',
    'failed',
    /is valid from 20\d\d-\d\d-\d\d on only/,
    /timedatectl/,
    async () => world.issued({ notBefore: day(2) }),
  ],
  [
    'one for another name',
    'name',
    'failed',
    /is for asia\.test, and not for 127\.0\.0\.1/,
    /write one of its names/,
    async () => world.issued({ hosts: ['asia.test'] }),
  ],
  [
    'one that expires soon',
    'expiry',
    'warning',
    /expires on .*, in 2 days/,
    /renew it on that server/,
    async () => world.issued({ notAfter: day(2.5) }),
  ],
];

const CONFIGS: readonly ConfigFault[] = [
  {
    name: 'a certificate that is for clients',
    check: 'trust',
    seen: /not meant for servers/,
    way: /serverAuth/,
    server: async ({ folder, root }) =>
      shown(await makeByOpenssl(folder, { name: 'wrong-use', signer: root, usage: 'clientAuth' })),
    before: async ({ root }) => ({ caFiles: [await world.alone(root, 'purpose')] }),
    after: async ({ folder, root }) => ({
      url: (await world.serve(shown(await makeByOpenssl(folder, { name: 'right-use', signer: root })))).url,
    }),
  },
  {
    name: 'no cas at all',
    check: 'trust',
    seen: /signed by CN=good CA, which is neither sent/,
    way: /regcache certs bundle https:\/\/127/,
    before: () => ({ caFiles: [] }),
    after: ({ caFile }) => ({ caFiles: [caFile] }),
  },
  {
    name: 'another CA',
    check: 'trust',
    seen: /signed by CN=good CA, which is neither sent/,
    way: /certs bundle/,
    before: async () => ({ caFiles: [await world.alone(await makeCertificateAuthority('other'), 'other')] }),
    after: ({ caFile }) => ({ caFiles: [caFile] }),
  },
  {
    name: 'a CA of the same name',
    check: 'trust',
    seen: /with another key than the CA of that name in .*namesake/,
    way: /certs bundle/,
    before: async () => ({
      caFiles: [await world.alone(await makeCertificateAuthority('good CA'), 'namesake')],
    }),
    after: ({ caFile }) => ({ caFiles: [caFile] }),
  },
  {
    name: 'the right CA in a file beside it',
    check: 'trust',
    seen: /signed by CN=good CA/,
    way: /cas:\n {4}- .*beside\/right\.pem/,
    before: async ({ authority, folder }) => {
      await authority.write(join(folder, 'beside'), 'right');
      return {
        caFiles: [await (await makeCertificateAuthority('wrong')).write(join(folder, 'beside'), 'wrong')],
      };
    },
    after: (_world, _url, mend) => ({ caFiles: [/- (\S+)$/.exec(mend)?.[1] ?? ''] }),
  },
  {
    name: 'a certificate that vouches for itself',
    check: 'trust',
    seen: /vouches for itself, and is not in cas/,
    way: /certs bundle/,
    server: async ({ folder }) => {
      const own = await makeSelfSigned({ notAfter: day(25) });
      await writeFile(join(folder, 'own.pem'), own.certificatePem);
      return shown(own);
    },
    before: () => ({}),
    after: ({ folder }) => ({ caFiles: [join(folder, 'own.pem')] }),
  },
  {
    name: 'a missing intermediate',
    check: 'trust',
    seen: /signed by CN=middle, which is neither sent/,
    way: /have the server send CN=middle/,
    server: async ({ folder, middle }) =>
      shown(await makeByOpenssl(folder, { name: 'leaf', signer: middle })),
    before: async ({ root }) => ({ caFiles: [await world.alone(root, 'only-root')] }),
    after: async ({ root, middle }) => ({
      caFiles: [await world.alone({ certificatePem: root.certificatePem + middle.certificatePem }, 'both')],
    }),
  },
  {
    name: 'a CA in cas that expired',
    check: 'trust',
    seen: /the certificate CN=old-ca of .* expired on 2021-01-01/,
    way: /put the CA’s new certificate into .*old-ca\.pem/,
    server: async ({ folder }) => {
      const ca = await makeByOpenssl(folder, { name: 'old-ca', isCa: true });
      await world.expire(ca, 'old-ca', join(folder, 'old', 'old-ca.pem'));
      return shown(await makeByOpenssl(folder, { name: 'of-old', signer: ca }));
    },
    before: ({ folder }) => ({ caFiles: [join(folder, 'old', 'old-ca.pem')] }),
    after: async ({ folder }, _url, mend) => {
      const file = / into (\S+)$/.exec(mend)?.[1] ?? '';
      await writeFile(file, await readText(join(folder, 'old-ca.pem')));
      return { caFiles: [file] };
    },
  },
  {
    name: 'a file of cas that is not there',
    check: 'files',
    seen: /cannot read .*gone\.pem/,
    way: /check the path/,
    before: ({ folder }) => ({ caFiles: [join(folder, 'gone.pem')] }),
    after: ({ caFile }) => ({ caFiles: [caFile] }),
  },
  {
    name: 'a file of cas that holds none',
    check: 'files',
    seen: /holds no PEM certificate/,
    way: /BEGIN CERTIFICATE/,
    before: async () => ({ caFiles: [await world.alone({ certificatePem: 'hello' }, 'empty')] }),
    after: ({ caFile }) => ({ caFiles: [caFile] }),
  },
];

async function readText(file: string): Promise<string> {
  return await readFile(file, 'utf8');
}

const FAULTS: readonly Fault[] = [
  ...SERVERS.map(([name, check, verdict, seen, way, tls]): Fault => ({
    name,
    check,
    verdict,
    seen,
    way,
    plant: async () => {
      const server = await world.serve(await tls());
      return {
        target: targetOf(server.url, { caFiles: [world.caFile] }),
        mend: () => {
          server.renew(world.good);
          return undefined;
        },
      };
    },
  })),
  ...CONFIGS.map((row) => configFault(row, () => world)),
];

describe('a server that is not trusted', () => {
  test.for(FAULTS)('$name', async (fault) => {
    const { finding, others, mended } = await tryFault(fault);
    expect(finding ?? others).toMatchObject({ verdict: fault.verdict });
    expect(finding?.seen).toMatch(fault.seen);
    expect(finding?.mend).toMatch(fault.way);
    expect([others, mended]).toEqual([[], []]);
  });

  test.for([
    ['its CA in cas', async () => ({ server: world.good, more: {} })],
    [
      'an intermediate that it sends',
      async () => {
        const leaf = await makeByOpenssl(world.folder, { name: 'sent', signer: world.middle });
        const server = { cert: leaf.certificatePem + world.middle.certificatePem, key: leaf.keyPem };
        return { server, more: { caFiles: [await world.alone(world.root, 'healthy')] } };
      },
    ],
    [
      'a certificate that vouches for itself, in cas',
      async () => {
        const own = await makeSelfSigned({ notAfter: day(25) });
        return { server: shown(own), more: { caFiles: [await world.alone(own, 'self')] } };
      },
    ],
    [
      'a client certificate',
      async () => ({
        server: world.wantsClient(),
        more: clientFiles(await world.client('welcome', world.root)),
      }),
    ],
    ['TLS 1.2 only', async () => ({ server: { ...world.good, maxVersion: 'TLSv1.2' as const }, more: {} })],
  ] as const)('no false alarm: %s', async ([, make]) => {
    const { server, more } = await make();
    const { url } = await world.serve(server);
    const { findings } = await examine(targetOf(url, { caFiles: [world.caFile], ...more }));
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(findings.find(({ check }) => check === 'trust')?.seen).toContain('trusted by');
  });

  test('HTTP/2 is seen where it is offered', async () => {
    const { url } = await world.serve({ ...world.good, ALPNProtocols: ['h2', 'http/1.1'] });
    const { findings } = await examine(targetOf(url, { caFiles: [world.caFile] }));
    expect(findings.find(({ check }) => check === 'tls')).toEqual({
      check: 'tls',
      verdict: 'ok',
      seen: expect.stringContaining('offers HTTP/2') as unknown,
    });
  });

  test('a bad CA file is named by its own name, and its content is not shown', async () => {
    const { url } = await world.serve(world.good);
    const file = await world.alone({ certificatePem: world.middle.keyPem }, 'secret');
    const { findings } = await examine(targetOf(url, { caFiles: [file] }));
    expect(findings.map(({ check, verdict }) => `${check} ${verdict}`)).toContain('files failed');
    expect(JSON.stringify(findings)).not.toContain('PRIVATE');
  });
});
