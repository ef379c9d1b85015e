import { once } from 'node:events';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hangs, says } from '../../fixtures/behaviour.ts';
import {
  type CertificateAuthority,
  makeCertificateAuthority,
  writeCertificate,
} from '../certs/certificate-authority.ts';
import { type ConnectProxyOptions, startConnectProxy } from '../../fixtures/connect-proxy.ts';
import { freePort } from '../../fixtures/free-port.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { type TempFolder, tempFolder } from '../../fixtures/temp-folder.ts';
import { unending } from '../../fixtures/test-upstream.ts';
import { UpstreamError } from './error.ts';
import { parseProxySettings } from './proxy-settings.ts';
import { type Lane, Transport, type TransportOptions } from './transport.ts';
import { loadTrust, type TrustOptions } from './trust.ts';

const opened: AsyncDisposable[] = [];
let folder: TempFolder;
let ca: CertificateAuthority;
let caFile: string;
beforeAll(async () => {
  folder = await tempFolder('proxy');
  ca = await makeCertificateAuthority();
  caFile = await ca.write(folder.path, 'ca');
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

async function openTransport(
  env: Record<string, string>,
  options: Partial<TransportOptions & TrustOptions> = {},
): Promise<Transport> {
  const { caFiles = [caFile], clientCertificate } = options;
  const transport = new Transport({
    trust: await loadTrust({ caFiles, clientCertificate }),
    connectTimeoutMs: 3_000,
    idleTimeoutMs: 10_000,
    connections: 2,
    proxy: parseProxySettings(env),
    ...options,
  });
  opened.push(transport);
  return transport;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function get(
  transport: Transport,
  url: string,
  { lane = 'blob', signal = unending() }: { lane?: Lane; signal?: AbortSignal } = {},
): Promise<Answer> {
  const request = { method: 'GET', url: new URL(url), headers: {}, headersTimeoutMs: 10_000, lane } as const;
  const { status, body } = await transport.send(request, signal);
  return { status, text: (await body.readAll(1e6)).toString() };
}

/** The error of a request that must fail. */
async function failure(transport: Transport, url: string): Promise<UpstreamError> {
  const error: unknown = await get(transport, url).catch((thrown: unknown) => thrown);
  if (!(error instanceof UpstreamError)) throw new Error(`no upstream error: ${inspect(error)}`);
  return error;
}

async function startOrigin() {
  return await startScriptedUpstream({ tls: await ca.issue({ hosts: ['origin.test'] }) });
}

function named(url: string, host = 'origin.test'): string {
  return url.replace('127.0.0.1', host);
}

describe('a proxy before an https upstream', () => {
  it('carries a tunnel, and learns no more than where it leads', async () => {
    await using origin = await startOrigin();
    origin.always('GET', '/v2/x', says(200, {}, 'hello'));
    await using proxy = await startConnectProxy({ credentials: 'user:se cret' });
    const env = { HTTPS_PROXY: proxy.url.replace('//', '//user:se%20cret@') };
    const transport = await openTransport(env);
    for (let round = 0; round < 2; round += 1) {
      expect(await get(transport, named(`${origin.url}/v2/x`))).toEqual({ status: 200, text: 'hello' });
    }
    // The second request comes by the same tunnel.
    expect(proxy.requests).toMatchObject([{ method: 'CONNECT', target: `origin.test:${origin.port}` }]);
    expect(proxy.requests[0]?.headers.host).toBe(`origin.test:${origin.port}`);
    expect(origin.requests.map(({ headers }) => headers['proxy-authorization'])).toEqual([
      undefined,
      undefined,
    ]);
    expect(origin.requests[0]?.headers.host).toBe(`origin.test:${origin.port}`);
  });

  it('is shown no client certificate, and the upstream is', async () => {
    const identity = await writeCertificate(
      folder.path,
      'client',
      await ca.issue({ hosts: ['client.test'] }),
    );
    const { certificatePem: cert, keyPem: key } = await ca.issue({ hosts: ['origin.test'] });
    const seen: unknown[] = [];
    const tls = { cert, key, requestCert: true, rejectUnauthorized: false };
    const origin = createServer(tls, (asked, response) => {
      seen.push((asked.socket as TLSSocket).getPeerX509Certificate()?.subject);
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await once(origin, 'listening');
    await using proxy = await startConnectProxy({ tls: await ca.issue() });
    const transport = await openTransport(
      { HTTPS_PROXY: proxy.url },
      {
        clientCertificate: { certificateFile: identity.certificate, keyFile: identity.key },
        proxyTrust: await loadTrust({ caFiles: [caFile], clientCertificate: undefined }),
      },
    );
    const address = origin.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(await get(transport, `https://origin.test:${port}/`)).toMatchObject({ status: 200 });
    expect(seen).toEqual(['CN=client.test']);
    expect(proxy.requests).toMatchObject([{ method: 'CONNECT', certificateSubject: undefined }]);
    await transport[Symbol.asyncDispose]();
    origin.close();
  });

  it('is not blamed for what the upstream does', async () => {
    await using origin = await startOrigin();
    await using proxy = await startConnectProxy();
    const transport = await openTransport({ HTTPS_PROXY: proxy.url }, { caFiles: [] });
    const error = await failure(transport, named(`${origin.url}/v2/x`));
    expect(error).toMatchObject({
      kind: 'tls',
      message: expect.stringMatching(/^its certificate/) as string,
    });
  });

  it.each<[string, ConnectProxyOptions, RegExp, RegExp]>([
    [
      'wants other credentials',
      { credentials: 'other:one' },
      /does not accept our credentials \(407\)/,
      /user:password@/,
    ],
    ['refuses the host', { refuses: 403 }, /refuses to connect to origin\.test:\d+ \(403\)/, /NO_PROXY/],
    ['cannot reach it', { refuses: 502 }, /cannot reach origin\.test:\d+ \(502\)/, /NO_PROXY/],
    ['says nothing', { hangs: true }, /no connection in time/, /is up/],
  ])('is named when it %s', async (_what, options, message, hint) => {
    await using proxy = await startConnectProxy(options);
    const env = { HTTPS_PROXY: proxy.url.replace('//', '//user:se%20cret@') };
    const transport = await openTransport(env, { connectTimeoutMs: options.hangs === true ? 200 : 3_000 });
    const error = await failure(transport, `https://origin.test:${await freePort()}/`);
    expect(error.kind).toBe('connect');
    expect(error.message).toMatch(new RegExp(`^the proxy ${proxy.host} .*${message.source}`));
    expect(error.hint).toMatch(hint);
    expect(error.hint).toContain('HTTPS_PROXY');
    expect(error.status).toBeUndefined();
    expect(inspect(error, { depth: Infinity })).not.toMatch(/se( |%20)cret|dXNlcjpzZSBjcmV0/);
    await expect.poll(() => proxy.openSockets).toBe(0);
  });

  it.each([
    ['is down', 'http', /the proxy .* failed: connection refused/],
    ['is not trusted', 'https', /the proxy .* failed: its certificate/],
  ])('is named when it %s', async (_what, scheme, message) => {
    await using proxy = await startConnectProxy(scheme === 'https' ? { tls: await ca.issue() } : {});
    const url = scheme === 'https' ? proxy.url : `http://127.0.0.1:${await freePort()}`;
    const error = await failure(await openTransport({ https_proxy: url }), 'https://origin.test/');
    expect(error.message).toMatch(message);
    expect(error.kind).toBe(scheme === 'https' ? 'tls' : 'connect');
    expect(error.hint).toContain('https_proxy');
  });

  it('gets as many connections as the upstream may have, and talk has its own', async () => {
    await using origin = await startOrigin();
    origin.always('GET', '/blob', hangs()).always('GET', '/manifest', says(200, {}, 'm'));
    await using proxy = await startConnectProxy();
    const transport = await openTransport({ HTTPS_PROXY: proxy.url }, { connections: 4 });
    const leaving = new AbortController();
    const blobs = Array.from({ length: 5 }, async () =>
      get(transport, named(`${origin.url}/blob`), { signal: leaving.signal }),
    );
    await origin.asked('GET', '/blob', 3);
    expect((await get(transport, named(`${origin.url}/manifest`), { lane: 'talk' })).text).toBe('m');
    expect(origin.count('GET', '/blob')).toBe(3);
    expect(proxy.requests).toHaveLength(4);
    leaving.abort(new Error('enough'));
    await Promise.allSettled(blobs);
  });
});

describe('a proxy before an http upstream', () => {
  it('is sent whole URLs, with its credentials', async () => {
    await using origin = await startScriptedUpstream();
    origin.always('GET', '/v2/x', says(200, {}, 'hello'));
    await using proxy = await startConnectProxy({ credentials: 'user:secret' });
    const transport = await openTransport({ HTTP_PROXY: proxy.url.replace('//', '//user:secret@') });
    const url = named(`${origin.url}/v2/x?n=1`);
    expect(await get(transport, url)).toEqual({ status: 200, text: 'hello' });
    expect(proxy.requests).toMatchObject([{ method: 'GET', target: url }]);
    expect(origin.requests[0]).toMatchObject({
      url: '/v2/x?n=1',
      headers: { host: `origin.test:${origin.port}` },
    });
  });

  it.each([
    ['wants other credentials', { credentials: 'other:one' }, /does not accept our credentials \(407\)/],
    ['refuses by itself', { refuses: 403 }, /refuses to connect to origin\.test:\d+ \(403\)/],
  ])('is named when it %s', async (_what, options, message) => {
    await using proxy = await startConnectProxy(options);
    const transport = await openTransport({ HTTP_PROXY: proxy.url.replace('//', '//user:secret@') });
    const error = await failure(transport, `http://origin.test:${await freePort()}/`);
    expect(error).toMatchObject({ kind: 'connect', message: expect.stringMatching(message) as string });
    expect(error.hint).toContain('HTTP_PROXY');
    expect(inspect(error, { depth: Infinity })).not.toContain('secret');
  });

  it('is named when it is down', async () => {
    const transport = await openTransport({ HTTP_PROXY: `127.0.0.1:${await freePort()}` });
    const error = await failure(transport, 'http://origin.test/');
    expect(error.message).toMatch(/^the proxy 127\.0\.0\.1:\d+ failed: connection refused$/);
  });

  it('passes on what the upstream refuses as the upstream’s own word', async () => {
    await using origin = await startScriptedUpstream();
    origin.on('GET', '/v2/x', says(403, {}, 'denied'));
    await using proxy = await startConnectProxy();
    const transport = await openTransport({ HTTP_PROXY: proxy.url });
    expect(await get(transport, named(`${origin.url}/v2/x`))).toEqual({ status: 403, text: 'denied' });
  });
});

it('goes past the proxy to hosts in NO_PROXY and to this machine, without its credentials', async () => {
  await using origin = await startScriptedUpstream();
  origin.always('GET', '/v2/x', says(200, {}, 'hello'));
  await using proxy = await startConnectProxy();
  const transport = await openTransport(
    { HTTP_PROXY: proxy.url.replace('//', '//user:secret@'), NO_PROXY: 'near.test' },
    { lookup: async () => await Promise.resolve([{ address: '127.0.0.1', family: 4 }]) },
  );
  for (const host of ['near.test', 'localhost', '127.0.0.1']) {
    expect((await get(transport, named(`${origin.url}/v2/x`, host))).text).toBe('hello');
  }
  expect(proxy.requests).toEqual([]);
  expect(origin.requests.map(({ headers }) => headers['proxy-authorization'])).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect((await get(transport, named(`${origin.url}/v2/x`, 'far.test'))).text).toBe('hello');
  expect(proxy.requests).toHaveLength(1);
});
