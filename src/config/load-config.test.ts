import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { Environment } from './environment.ts';
import { type LoadedConfig, loadConfig } from './load-config.ts';

const FIXTURES = new URL('../../fixtures/', import.meta.url);
const DOWNSTREAM = `version: 0.1
storage: {filesystem: {rootdirectory: /data}, delete: {enabled: true}}
middleware:
  registry:
    - name: downstream
      options:
`;

/** Loads a text as `config.yml`; the files it names are those of `files`, by default PEM files under /certs. */
async function load(
  text: string,
  env: Environment = {},
  files: Readonly<Record<string, string>> = {},
): Promise<LoadedConfig> {
  return loadConfig({
    file: 'config.yml',
    env,
    readFile: (path) => {
      if (path === 'config.yml') return Promise.resolve(text);
      if (files[path] !== undefined) return Promise.resolve(files[path]);
      if (path.startsWith('/certs/')) return Promise.resolve('a certificate');
      return Promise.reject(Object.assign(new Error('nothing there'), { code: 'ENOENT' }));
    },
  });
}

async function fixture(name: string): Promise<string> {
  return readFile(new URL(name, FIXTURES), 'utf8');
}

describe("the manual's configurations", () => {
  it('Asia pulls from the origin, and tells it no namespace', async () => {
    const { config, warnings } = await load(await fixture('asia.yml'));
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      log: { level: 'info', formatter: 'text', fields: {}, accessLog: true },
      storage: { root: '/var/lib/registry', deleteEnabled: true },
      http: {
        listen: { kind: 'tcp', host: undefined, port: 5000 },
        prefix: '/',
        headers: {},
        drainTimeoutMs: 0,
        tls: {
          certificateFile: '/certs/asia-ca.pem',
          keyFile: '/certs/asia-key.pem',
          clientCaFiles: [],
          clientAuth: 'none',
          minimumTls: 'TLSv1.2',
          cipherSuites: [],
        },
        limits: {
          headerSizeBytes: 16_384,
          headerTimeMs: 10_000,
          connections: 16_384,
          connectionsPerClient: 0,
        },
        debug: undefined,
      },
      cache: {
        hopName: undefined,
        blobTtlMs: 86_400_000,
        blobTtlMode: 'idle',
        tagTtlMs: 0,
        staleIfErrorMs: 86_400_000,
        fillAfterAbort: true,
        timeouts: { connectMs: 3000, headersMs: 25_000, idleMs: 30_000 },
        ranges: { connections: 4, minSizeBytes: 16_777_216, windowBytes: 8_388_608 },
        prefetch: { maxBytes: 8_589_934_592 },
      },
      healthChecks: [],
      upstreams: [
        {
          namespace: 'dtr.example.com',
          sendNamespace: false,
          hops: [
            {
              url: 'https://dtr.example.com',
              role: 'origin',
              credentials: undefined,
              clientCertificate: undefined,
              caFiles: ['/certs/dtr-ca.pem'],
              realms: [],
            },
          ],
          balance: 'repository',
          fallback: undefined,
          limits: { connections: 32, rateBytesPerSecond: undefined },
        },
      ],
    });
  });

  it('China pulls from Asia, and tells it which origin is meant', async () => {
    const { config, warnings } = await load(await fixture('china.yml'));
    expect(warnings).toEqual([]);
    expect(config.upstreams).toEqual([
      {
        namespace: 'dtr.example.com',
        sendNamespace: true,
        hops: [
          expect.objectContaining({
            url: 'https://asia-cache.example.com',
            role: 'hop',
            caFiles: ['/certs/asia-cache-ca.pem', '/certs/dtr-ca.pem'],
          }),
        ],
        balance: 'repository',
        fallback: expect.objectContaining({
          url: 'https://dtr.example.com',
          role: 'origin',
          caFiles: ['/certs/asia-cache-ca.pem', '/certs/dtr-ca.pem'],
        }),
        limits: { connections: 32, rateBytesPerSecond: undefined },
      },
    ]);
  });

  it('can be moved elsewhere by the environment alone', async () => {
    const upstream = 'REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_UPSTREAMS_0';
    const { config, warnings } = await load((await fixture('china.yml')).replaceAll('/certs/', '/nowhere/'), {
      REGISTRY_HTTP_ADDR: '127.0.0.1:0',
      REGISTRY_HTTP_TLS_CERTIFICATE: '/certs/c.pem',
      REGISTRY_HTTP_TLS_KEY: '/certs/k.pem',
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: '/tmp/x',
      REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_BLOBTTL: '1500ms',
      [`${upstream}_ORIGINHOST`]: 'https://localhost:5001',
      [`${upstream}_UPSTREAMHOSTS_0`]: 'https://localhost:5002',
      REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_CAS_0: '/certs/0.pem',
      REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_CAS_1: '/certs/1.pem',
    });
    expect(warnings).toEqual([]);
    expect(config.http.listen).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    expect(config.http.tls).toMatchObject({ certificateFile: '/certs/c.pem', keyFile: '/certs/k.pem' });
    expect(config.storage.root).toBe('/tmp/x');
    expect(config.cache.blobTtlMs).toBe(1500);
    expect(config.upstreams[0]).toMatchObject({ namespace: 'localhost:5001' });
    expect(config.upstreams[0].hops).toEqual([
      expect.objectContaining({ url: 'https://localhost:5002', caFiles: ['/certs/0.pem', '/certs/1.pem'] }),
    ]);
  });
});

describe('upstreams', () => {
  const upstreams = async (text: string, files: Readonly<Record<string, string>> = {}) =>
    (await load(`${DOWNSTREAM}        ${text}`, {}, files)).config.upstreams;

  it('as a plain list of URLs are hops that are sent no namespace', async () => {
    expect(await upstreams('upstreams: ["https://asia.example.com:5000"]')).toEqual([
      {
        namespace: 'asia.example.com:5000',
        sendNamespace: false,
        hops: [expect.objectContaining({ url: 'https://asia.example.com:5000', role: 'hop' })],
        balance: 'repository',
        fallback: undefined,
        limits: { connections: 32, rateBytesPerSecond: undefined },
      },
    ]);
  });

  it('may have several hops, chosen one after the other, and no last resort', async () => {
    const [{ hops, balance, fallback }] = await upstreams(
      'upstreams: [{originhost: "https://o", upstreamhosts: ["https://a", {url: "https://b"}], balance: RoundRobin, fallback: no}]',
    );
    expect(hops.map(({ url, role }) => [url, role])).toEqual([
      ['https://a', 'hop'],
      ['https://b', 'hop'],
    ]);
    expect([balance, fallback]).toEqual(['roundrobin', undefined]);
  });

  it('as a plain list may be several', async () => {
    const [{ hops, fallback }] = await upstreams('upstreams: ["https://a", "https://b"]');
    expect(hops.map(({ url }) => url)).toEqual(['https://a', 'https://b']);
    expect(fallback).toBeUndefined();
  });

  it('keep their order, the first being the default', async () => {
    const all = await upstreams(
      'upstreams: [{originhost: "https://b"}, {originhost: "https://a", upstreamhosts: []}]',
    );
    expect(all.map(({ namespace, sendNamespace }) => [namespace, sendNamespace])).toEqual([
      ['b', false],
      ['a', false],
    ]);
  });

  it("may have another name than their origin's host; Docker Hub has one", async () => {
    const [one, other] = await upstreams(
      'upstreams: [{originhost: "https://10.0.0.1", namespace: Images.example.com}, {originhost: "https://registry-1.docker.io"}]',
    );
    expect(one.namespace).toBe('images.example.com');
    expect(other?.namespace).toBe('docker.io');
  });

  it('give credentials to the server they are written for, and to no other', async () => {
    const [{ hops, fallback }] = await upstreams(
      'upstreams: [{originhost: "https://o", username: o, password: op, certificate: /certs/o, key: /certs/ok, realms: ["https://r/t"],' +
        ' upstreamhosts: [{url: "https://h", username: h, passwordfile: /secret, certificate: /certs/h, key: /certs/hk, cas: [/certs/own]}]}]\n' +
        '        cas: [/certs/common]',
      { '/secret': ' pass word \n' },
    );
    expect(hops).toEqual([
      {
        url: 'https://h',
        role: 'hop',
        credentials: { username: 'h', password: ' pass word ' },
        clientCertificate: { certificateFile: '/certs/h', keyFile: '/certs/hk' },
        caFiles: ['/certs/common', '/certs/own'],
        realms: [],
      },
    ]);
    expect(fallback).toEqual({
      url: 'https://o',
      role: 'origin',
      credentials: { username: 'o', password: 'op' },
      clientCertificate: { certificateFile: '/certs/o', keyFile: '/certs/ok' },
      caFiles: ['/certs/common'],
      realms: ['https://r'],
    });
  });

  it('without hops give them to the origin', async () => {
    const [{ hops, limits }] = await upstreams(
      'upstreams: [{originhost: "https://o", username: 0123, password: 0777, realms: ["https://r/t"], limits: {connections: 4, rate: 10MB}}]',
    );
    expect(hops[0]).toMatchObject({
      credentials: { username: '0123', password: '0777' },
      realms: ['https://r'],
    });
    expect(limits).toEqual({ connections: 4, rateBytesPerSecond: 10_000_000 });
  });

  it('may be limited, renamed and timed', async () => {
    const { config } = await load(
      `${DOWNSTREAM}        {upstreams: [{originhost: "https://o"}], name: "asia:5000", tagttl: 1m, staleiferror: 1h, fillafterabort: no,
         blobttl: 86400000000000, blobttlmode: absolute, timeouts: {connect: 1s, headers: 2s, idle: 3s}, prefetch: {maxbytes: 1GiB}, ranges: {connections: 1, window: 1MiB}}`,
    );
    expect(config.cache).toEqual({
      hopName: 'asia:5000',
      blobTtlMs: 86_400_000,
      blobTtlMode: 'absolute',
      tagTtlMs: 60_000,
      staleIfErrorMs: 3_600_000,
      fillAfterAbort: false,
      timeouts: { connectMs: 1000, headersMs: 2000, idleMs: 3000 },
      ranges: { connections: 1, minSizeBytes: 16_777_216, windowBytes: 1_048_576 },
      prefetch: { maxBytes: 1_073_741_824 },
    });
    const off = `${DOWNSTREAM}        {upstreams: ["https://o"], prefetch: off}`;
    expect((await load(off)).config.cache.prefetch).toBeUndefined();
  });

  it('of a middleware that is switched off do not count', async () => {
    const text = `${DOWNSTREAM}        upstreams: 5\n      disabled: true\nproxy: {remoteurl: "https://o"}`;
    expect((await load(text)).config.upstreams[0].namespace).toBe('o');
  });
});

describe("Distribution's configuration of a pull-through cache", () => {
  const proxy = (more: string) => load(`version: 0.1\nstorage: {filesystem: {}${more}`);

  it('is one upstream, whose blobs are kept for a week', async () => {
    const { config, warnings } = await proxy(
      ', delete: {enabled: true}}\nproxy: {remoteurl: "https://registry-1.docker.io", username: u, password: p}',
    );
    expect(warnings).toEqual([]);
    expect(config.storage.root).toBe('/var/lib/registry');
    expect(config.cache.blobTtlMs).toBe(168 * 3_600_000);
    expect(config.upstreams).toEqual([
      {
        namespace: 'docker.io',
        sendNamespace: false,
        hops: [
          {
            url: 'https://registry-1.docker.io',
            role: 'origin',
            credentials: { username: 'u', password: 'p' },
            clientCertificate: undefined,
            caFiles: [],
            realms: [],
          },
        ],
        balance: 'repository',
        fallback: undefined,
        limits: { connections: 32, rateBytesPerSecond: undefined },
      },
    ]);
  });

  it('keeps everything where it may not delete, and says so', async () => {
    const { config, warnings } = await proxy(
      '}\nproxy: {remoteurl: "https://o", username: "", password: ""}',
    );
    expect(config.cache.blobTtlMs).toBeUndefined();
    expect(config.upstreams[0].hops[0].credentials).toBeUndefined();
    expect(warnings).toEqual([
      'config.yml:3: proxy: keeps everything for ever, as storage.delete.enabled is not true',
    ]);
  });

  it('keeps everything where the ttl is 0', async () => {
    const { config } = await proxy(', delete: {enabled: on}}\nproxy: {remoteurl: "https://o", ttl: 0}');
    expect(config.cache.blobTtlMs).toBeUndefined();
  });
});

describe('the server', () => {
  const http = async (text: string) =>
    (await load(`version: 0.1\nstorage: filesystem\nauth: none\nproxy: {remoteurl: "https://o"}\n${text}`))
      .config;

  it('is set up as written', async () => {
    const config = await http(
      'http: {addr: /run/r.sock, net: unix, prefix: my/registry, headers: {X-A: [b, "2"]}, draintimeout: 60s, workers: 1,' +
        ' debug: {addr: "localhost:5001", prometheus: {enabled: false}},' +
        ' limits: {headersize: 32KiB, headertime: 5s, connections: 100, connectionsperclient: 0},' +
        ' tls: {certificate: /certs/c, key: /certs/k, clientcas: [/certs/a], minimumtls: tls1.3,' +
        ' ciphersuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]}}',
    );
    expect(config.http).toEqual({
      listen: { kind: 'unix', path: '/run/r.sock' },
      prefix: '/my/registry/',
      headers: { 'X-A': ['b', '2'] },
      drainTimeoutMs: 60_000,
      debug: { listen: { kind: 'tcp', host: 'localhost', port: 5001 }, metricsPath: undefined },
      limits: { headerSizeBytes: 32_768, headerTimeMs: 5000, connections: 100, connectionsPerClient: 0 },
      tls: {
        certificateFile: '/certs/c',
        keyFile: '/certs/k',
        clientCaFiles: ['/certs/a'],
        clientAuth: 'require-and-verify',
        minimumTls: 'TLSv1.3',
        cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_AES_128_GCM_SHA256'],
      },
    });
  });

  it.each([
    ['request-client-cert', 'request'],
    ['require-any-client-cert', 'require-any'],
    ['verify-client-cert-if-given', 'verify-if-given'],
    ['require-and-verify-client-cert', 'require-and-verify'],
  ])('%s means %s', async (word, mode) => {
    const config = await http(
      `http: {tls: {certificate: /certs/c, key: /certs/k, clientcas: [/certs/a], clientauth: ${word}}}`,
    );
    expect(config.http.tls?.clientAuth).toBe(mode);
  });

  it('logs as written, and as the old loglevel says where log.level says nothing', async () => {
    const log =
      'log: {formatter: json, fields: {a: 1, b: yes, c: [x]}, accesslog: {disabled: true}}\nloglevel: Debug';
    expect((await http(log)).log).toEqual({
      level: 'debug',
      formatter: 'json',
      fields: { a: 1, b: true, c: ['x'] },
      accessLog: false,
    });
    expect((await http('log: {level: error}\nloglevel: debug')).log.level).toBe('error');
  });
});
