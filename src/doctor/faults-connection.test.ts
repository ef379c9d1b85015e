import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../fixtures/free-port.ts';
import { type Fault, targetOf, tryFault } from '../../fixtures/planted-fault.ts';
import { clientFiles, type ConfigFault, configFault, TlsWorld } from '../../fixtures/tls-world.ts';

let world: TlsWorld;

beforeAll(async () => {
  world = await TlsWorld.start();
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

const rightUrl = (_world: TlsWorld, url: URL) => ({ url });
const withClient = (name: string) => async () => clientFiles(await world.client(name, world.root));

const CONFIGS: readonly ConfigFault[] = [
  {
    name: 'a name that is not the server’s',
    check: 'dns',
    seen: /the name no-such-registry\.invalid is unknown/,
    way: /\/etc\/hosts/,
    before: () => ({ url: new URL('https://no-such-registry.invalid') }),
    after: rightUrl,
  },
  {
    name: 'a port that nothing listens on',
    check: 'connect',
    seen: /refuses connections/,
    way: /start the registry there/,
    before: async () => ({ url: new URL(`https://127.0.0.1:${await freePort()}`) }),
    after: rightUrl,
  },
  {
    name: 'https where there is no TLS',
    check: 'tls',
    seen: /answers in plain text/,
    way: /http:\/\//,
    before: async () => ({ url: new URL((await world.serve()).url.href.replace('http:', 'https:')) }),
    after: rightUrl,
  },
  {
    name: 'http where there is TLS',
    check: 'tls',
    seen: /speaks TLS on that port/,
    way: /write https:\/\//,
    before: async ({ good }) => ({
      url: new URL((await world.serve(good)).url.href.replace('https:', 'http:')),
    }),
    after: (_world, _url, mend) => ({ url: new URL(/https:\S+/.exec(mend)?.[0] ?? '') }),
  },
  {
    name: 'no client certificate',
    check: 'tls',
    seen: /wants a client certificate/,
    way: /set certificate and key of this hop/,
    server: () => world.wantsClient(),
    before: () => ({}),
    after: withClient('client'),
  },
  {
    name: 'no client certificate, with TLS 1.2',
    check: 'tls',
    seen: /wants a client certificate/,
    way: /set certificate and key/,
    server: () => world.wantsClient({ maxVersion: 'TLSv1.2' }),
    before: () => ({}),
    after: withClient('client-12'),
  },
  {
    name: 'a client certificate of another CA',
    check: 'tls',
    seen: /does not accept the client certificate/,
    way: /clientcas have signed/,
    server: () => world.wantsClient(),
    before: async () => clientFiles(await world.client('stranger')),
    after: withClient('known'),
  },
  {
    name: 'a client certificate without its key',
    check: 'files',
    seen: /cannot read .*missing-key/,
    way: /check the path/,
    server: () => world.wantsClient(),
    before: async ({ root }) => {
      const made = await world.client('missing', root);
      await rename(made.key, `${made.key}.away`);
      return clientFiles(made);
    },
    after: withClient('present'),
  },
  {
    name: 'a client certificate with another’s key',
    check: 'files',
    seen: /not valid PEM, or not a pair/,
    way: /openssl x509/,
    server: () => world.wantsClient(),
    before: async ({ root }) => {
      const [one, two] = [await world.client('one', root), await world.client('two', root)];
      return clientFiles({ ...one, key: two.key });
    },
    after: withClient('three'),
  },
  {
    name: 'TLS 1.1 at most',
    check: 'tls',
    seen: /no TLS 1\.2 or newer/,
    way: /ssl_protocols TLSv1\.2/,
    server: ({ good }) => ({
      ...good,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
    before: () => ({}),
    after: async ({ good }) => ({ url: (await world.serve(good)).url }),
  },
  {
    name: 'no cipher in common',
    check: 'tls',
    seen: /no cipher in common/,
    way: /modern ciphers/,
    server: ({ good }) => ({ ...good, maxVersion: 'TLSv1.2', ciphers: 'NULL:@SECLEVEL=0' }),
    before: () => ({}),
    after: async ({ good }) => ({ url: (await world.serve(good)).url }),
  },
  {
    name: 'a handshake that is never answered',
    check: 'tls',
    seen: /does not answer the handshake/,
    way: /openssl s_client/,
    before: async () => ({ url: await world.silentServer(() => undefined) }),
    after: rightUrl,
  },
  {
    name: 'a handshake that is cut off',
    check: 'tls',
    seen: /ends the connection in the handshake/,
    way: /openssl s_client/,
    before: async () => ({
      url: await world.silentServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    }),
    after: rightUrl,
  },
];

/** A bad proxy, and a good one that wants a password. */
const proxied = (
  name: string,
  seen: RegExp,
  way: RegExp,
  bad: () => Promise<string>,
  check = 'api',
): Fault => ({
  name,
  check,
  verdict: 'failed',
  seen,
  way,
  plant: async () => {
    const { port } = await world.serve(await world.issued({ hosts: ['registry.test'] }));
    const { url } = await world.proxy({ credentials: 'user:secret' });
    return {
      target: targetOf(`https://registry.test:${port}`, { caFiles: [world.caFile] }),
      env: { HTTPS_PROXY: await bad() },
      mend: () => undefined,
      mendedEnv: { HTTPS_PROXY: url.replace('//', '//user:secret@') },
    };
  },
});

const FAULTS: readonly Fault[] = [
  ...CONFIGS.map((row) => configFault(row, () => world)),
  proxied(
    'a proxy that is down',
    /the proxy 127\.0\.0\.1:\d+ failed: connection refused/,
    /HTTPS_PROXY is up/,
    async () => `http://127.0.0.1:${await freePort()}`,
  ),
  proxied(
    'a proxy that wants a password',
    /does not accept our credentials \(407\)/,
    /user:password@/,
    async () => (await world.proxy({ credentials: 'other:one' })).url,
  ),
  proxied(
    'a proxy that refuses',
    /refuses to connect to .* \(403\)/,
    /NO_PROXY/,
    async () => (await world.proxy({ refuses: 403 })).url,
  ),
  proxied(
    'a proxy that reaches nothing',
    /cannot reach .* \(502\)/,
    /HTTPS_PROXY/,
    async () => (await world.proxy({ refuses: 502 })).url,
  ),
  proxied(
    'a variable that names no proxy',
    /spoken to by socks5 is not supported/,
    /http or https proxy/,
    async () => 'socks5://127.0.0.1:1',
    'proxy',
  ),
];

describe('a way that fails before the first request', () => {
  test.for(FAULTS)('$name', async (fault) => {
    const { finding, others, mended } = await tryFault(fault);
    expect(finding ?? others).toMatchObject({ verdict: fault.verdict });
    expect(finding?.seen).toMatch(fault.seen);
    expect(finding?.mend).toMatch(fault.way);
    expect([others, mended]).toEqual([[], []]);
  });
});
