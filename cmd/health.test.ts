import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../fixtures/free-port.ts';
import { memoryTerminal } from '../fixtures/memory-terminal.ts';
import { startCache } from '../fixtures/running-cache.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { runCli } from './cli.ts';
import { reportError } from './terminal.ts';

async function health(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { terminal, out, err } = memoryTerminal();
  const code = await runCli(['health', ...args], terminal).catch((error: unknown) =>
    reportError(error, terminal),
  );
  return { code, out: out(), err: err() };
}

interface Debug extends AsyncDisposable {
  readonly port: number;
  readonly asked: string[];
  statuses: Readonly<Record<string, number>>;
}

/** A debug server that answers as it is told to, and 404 otherwise. */
async function debugServer(
  statuses: Readonly<Record<string, number>>,
  at?: string,
  body = 'words',
): Promise<Debug> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(debug.statuses[request.url ?? ''] ?? 404).end(body);
  });
  await listening(at === undefined ? server.listen(0, '127.0.0.1') : server.listen(at));
  const address = server.address();
  const debug: Debug = {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    asked,
    statuses,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
  return debug;
}

async function listening(server: Server): Promise<void> {
  await once(server, 'listening');
}

async function withConfig(http: unknown, use: (file: string) => Promise<void>): Promise<void> {
  await using folder = await tempFolder('health');
  const file = join(folder.path, 'config.yml');
  const storage = { filesystem: { rootdirectory: folder.path } };
  const proxy = { remoteurl: 'https://registry.example.com' };
  await writeFile(file, JSON.stringify({ version: 0.1, storage, http, proxy }));
  await use(file);
}

describe('a daemon with a debug address', () => {
  it.each([
    [200, 0, 'serving: 127.0.0.1:PORT/readyz answered 200', ''],
    [503, 1, '', 'not serving: 127.0.0.1:PORT/readyz answered 503'],
  ])('is asked there whether it is ready: %s is exit code %s', async (status, code, out, err) => {
    await using debug = await debugServer({ '/readyz': status, '/debug/health': 200 });
    await withConfig({ addr: ':1', debug: { addr: `:${debug.port}` } }, async (file) => {
      const ran = await health('--config', file);
      expect(ran.code).toBe(code);
      expect(ran.out).toContain(out.replace('PORT', String(debug.port)));
      expect(ran.err).toContain(err.replace('PORT', String(debug.port)));
    });
    expect(debug.asked).toEqual(['/readyz']);
  });

  it.each([
    ['/readyz', { status: 'draining', problems: {} }, 'answered 503: draining'],
    [
      '/readyz',
      { status: 'unhealthy', problems: { 'file /maintenance': 'it exists', store: 'ENOSPC' } },
      'answered 503: unhealthy; file /maintenance: it exists; store: ENOSPC',
    ],
    ['/debug/health', { storagedriver: 'ENOSPC' }, 'answered 503: storagedriver: ENOSPC'],
    [
      '/readyz',
      { status: 'down\u001B[2J', problems: { x: 'y'.repeat(9000) } },
      'answered 503: down?[2J; x: yyy',
    ],
    ['/readyz', ['draining'], 'answered 503\n'],
  ])('says why it is not ready: %s with %j', async (path, body, words) => {
    await using debug = await debugServer({ [path]: 503 }, undefined, JSON.stringify(body));
    const { code, err } = await health('--url', `http://127.0.0.1:${debug.port}`);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(words) });
    expect(err.length).toBeLessThan(1500);
  });

  it('is asked as Distribution is, where it knows nothing of being ready', async () => {
    await using debug = await debugServer({ '/debug/health': 503 });
    const url = `http://127.0.0.1:${debug.port}`;
    expect((await health('--url', url)).code).toBe(1);
    debug.statuses = { '/debug/health': 200 };
    expect((await health('--url', url)).out).toContain('/debug/health answered 200');
  });

  it('does not serve where nobody answers at all', async () => {
    const ran = await health('--url', `http://127.0.0.1:${await freePort()}`);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('/readyz cannot be asked: ECONNREFUSED');
  });

  it('is waited for', async () => {
    await using debug = await debugServer({ '/readyz': 503 });
    const waiting = health('--url', `http://127.0.0.1:${debug.port}`, '--wait', '20');
    await expect.poll(() => debug.asked.length).toBeGreaterThan(1);
    debug.statuses = { '/readyz': 200 };
    expect((await waiting).code).toBe(0);
  });

  it('may listen on a socket file', async () => {
    await using folder = await tempFolder('health-socket');
    const path = join(folder.path, 'debug.sock');
    await using debug = await debugServer({ '/v2/': 200 }, path);
    await withConfig({ addr: path, net: 'unix' }, async (file) => {
      expect(await health('--config', file)).toMatchObject({
        code: 0,
        out: `serving: ${path}/v2/ answered 200\n`,
      });
    });
    expect(debug.asked).toEqual(['/v2/']);
  });
});

describe('a daemon without a debug address', () => {
  it('is asked as clients do', async () => {
    await using cache = await startCache({ origin: 'https://registry.example.com' });
    const { port } = new URL(cache.url);
    await withConfig({ addr: `:${port}` }, async (file) => {
      expect(await health('--config', file)).toMatchObject({ code: 0 });
    });
  });

  it('may have a certificate for another name, and ask for a password', async () => {
    await using folder = await tempFolder('health-tls');
    const pair = await (await makeCertificateAuthority()).issue({ hosts: ['asia.example.com'] });
    const server = createTlsServer({ cert: pair.certificatePem, key: pair.keyPem }, (_request, response) => {
      response.writeHead(401).end();
    });
    await using _closing = { [Symbol.asyncDispose]: async () => void server.close() };
    await listening(server.listen(0, '127.0.0.1'));
    const { port } = server.address() as AddressInfo;
    const certificate = join(folder.path, 'cert.pem');
    await writeFile(certificate, `${pair.certificatePem}${pair.keyPem}`);
    await withConfig({ addr: `127.0.0.1:${port}`, tls: { certificate, key: certificate } }, async (file) => {
      expect((await health('--config', file)).out).toContain('/v2/ answered 401');
    });
  });

  it('cannot be asked where the system chose its port', async () => {
    await withConfig({ addr: ':0' }, async (file) => {
      expect(await health('--config', file)).toMatchObject({ code: 2 });
    });
  });
});

it.each([
  [['--url', 'asia:5001'], 'names no scheme'],
  [['--url', 'http://asia:5001', '--config', 'x.yml'], 'each say whom to ask'],
  [['--url', 'http://asia:5001', '--wait', 'long'], '--wait'],
])('%s is refused', async (args, problem) => {
  const ran = await health(...args);
  expect(ran.code).toBe(2);
  expect(ran.err).toContain(problem);
});
