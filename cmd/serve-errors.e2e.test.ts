import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hopEnvironment, type HopOptions, startHop } from '../fixtures/chain.ts';
import { type CertificateAuthority, makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { ask } from '../fixtures/client.ts';
import { seededContent } from '../src/bench/image/content.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { freePort } from '../fixtures/free-port.ts';
import { type LogLine, runRegcache } from '../fixtures/regcache-process.ts';
import type { Ran } from '../fixtures/run-program.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';

const ASIA = join(import.meta.dirname, '..', 'fixtures', 'asia.yml');
const blob = seededContent('errors', 10_000);

test('an origin whose certificate nobody trusted signed: 502, and a log line that names `cas`', async () => {
  const trusted = await makeCertificateAuthority();
  const signer = await makeCertificateAuthority('unknown CA');
  await using origin = await startEmbeddedOrigin({ tls: await signer.issue() });
  const line = await failingPull(origin.url, trusted, origin.addBlob('lib/app', blob));
  expect(JSON.stringify(line)).toMatch(/\bcas\b/);
});

test('an origin whose certificate has expired: 502, and a log line that says so', async () => {
  const authority = await makeCertificateAuthority();
  const yesterday = new Date(Date.now() - 3_600_000);
  const tls = await authority.issue({ notBefore: new Date(Date.now() - 7_200_000), notAfter: yesterday });
  await using origin = await startEmbeddedOrigin({ tls });
  const line = await failingPull(origin.url, authority, origin.addBlob('lib/app', blob));
  expect(JSON.stringify(line)).toMatch(/expired/);
});

test('an origin that is not there: 502, and a log line that names its address', async () => {
  const authority = await makeCertificateAuthority();
  const url = `https://127.0.0.1:${await freePort()}`;
  const line = await failingPull(url, authority, `/v2/lib/app/blobs/${blob.digest}`);
  expect(JSON.stringify(line)).toContain(new URL(url).host);
});

test('a configuration that is not there: one line, exit code 2', async () => {
  await using folder = await tempFolder('errors');
  const path = join(folder.path, 'nowhere.yml');
  expect(clearLine(await runRegcache(['serve', '--config', path]))).toMatch('nowhere.yml');
});

test('a configuration that is no YAML: one line with its place, exit code 2', async () => {
  await using folder = await tempFolder('errors');
  const path = join(folder.path, 'bad.yml');
  await writeFile(path, 'version: 0.1\nstorage: [\n');
  expect(clearLine(await runRegcache(['serve', '--config', path]))).toMatch(/bad\.yml:\d/);
});

test('an unknown key: file, line, path and a suggestion, exit code 2', async () => {
  await using folder = await tempFolder('errors');
  const path = join(folder.path, 'typo.yml');
  await writeFile(path, 'version: 0.1\nproxy: {remoteurl: "https://dtr.example.com"}\nhttp:\n  adr: :5000\n');
  const ran = await runRegcache(['serve', '--config', path]);
  expectNoTrace(ran);
  expect(ran.stderr).toMatch(/typo\.yml:4.*http\.adr.*addr/s);
});

test('a port in use: one line that names it, exit code 2', async () => {
  await using world = await startableHop();
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const env = { ...world.env, REGISTRY_HTTP_ADDR: `127.0.0.1:${port}`, REGISTRY_LOG_FORMATTER: 'text' };
  const ran = await runRegcache(['serve', '--config', ASIA], { env });
  taken.close();
  expect(clearLine(ran)).toMatch(String(port));
});

test('a root that cannot be written: one line that names it, exit code 2', async () => {
  await using world = await startableHop();
  const file = join(world.path, 'a-file');
  await writeFile(file, '');
  const root = join(file, 'store');
  const env = { ...world.env, REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: root };
  expect(clearLine(await runRegcache(['serve', '--config', ASIA], { env }))).toMatch('a-file');
});

test('a certificate that is not there: one line that names it, exit code 2', async () => {
  await using world = await startableHop();
  const env = { ...world.env, REGISTRY_HTTP_TLS_CERTIFICATE: join(world.path, 'no-such.pem') };
  expect(clearLine(await runRegcache(['serve', '--config', ASIA], { env }))).toMatch('no-such.pem');
});

test('a store that another daemon holds: one line that names it, exit code 2', async () => {
  await using world = await startableHop();
  await using running = await startHop(world.hop);
  const ran = await runRegcache(['serve', '--config', ASIA], { env: await hopEnvironment(world.hop) });
  expect(running.running).toBe(true);
  expect(clearLine(ran)).toMatch('store');
});

test('an unknown command: it is named, exit code 2', async () => {
  const ran = await runRegcache(['sevre']);
  expectNoTrace(ran);
  expect(ran.stderr).toContain('sevre');
});

/** Pulls a cold blob that cannot be had, and returns the log line that tells why. */
async function failingPull(
  originUrl: string,
  authority: CertificateAuthority,
  path: string,
): Promise<LogLine> {
  await using folder = await tempFolder('errors');
  const cas = [await authority.write(folder.path, 'ca')];
  await using cache = await startHop({ name: 'asia', folder: folder.path, authority, originUrl, cas });
  const answer = await ask(`${cache.url}${path}`, { ca: authority.certificatePem });
  expect(answer.status).toBe(502);
  expect(answer.headers['content-type']).toMatch(/^application\/json/);
  expect(answer.headers['retry-after']).toMatch(/^\d+$/);
  const body = (await answer.bytes()).toString();
  expect(JSON.parse(body)).toMatchObject({
    errors: [{ code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) }],
  });
  expect(body).not.toContain(new URL(originUrl).port);
  const line = await cache.logged((logged) => logged['event'] === 'upstream-failed');
  expect(cache.said).not.toMatch(/\bat .*:\d+:\d+/);
  expect(cache.otherOutput).toEqual([]);
  expect(cache.running).toBe(true);
  return line;
}

interface StartableHop extends AsyncDisposable {
  readonly path: string;
  readonly hop: HopOptions;
  readonly env: Readonly<Record<string, string>>;
}

/** All that a hop needs to start; its origin is never asked. */
async function startableHop(): Promise<StartableHop> {
  const folder = await tempFolder('errors');
  const authority = await makeCertificateAuthority();
  const cas = [await authority.write(folder.path, 'ca')];
  const hop: HopOptions = {
    name: 'asia',
    folder: folder.path,
    authority,
    originUrl: 'https://127.0.0.1:9',
    cas,
  };
  const env = await hopEnvironment(hop);
  return { path: folder.path, hop, env, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

function expectNoTrace(ran: Ran): void {
  expect(ran.exitCode).toBe(2);
  expect(ran.stdout).toBe('');
  expect(ran.stderr).not.toMatch(/^\s+at /m);
  expect(ran.stderr).not.toContain('node:internal');
}

/** The one line for what is wrong, with at most one more for the way out. */
function clearLine(ran: Ran): string {
  expectNoTrace(ran);
  expect(ran.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  return ran.stderr;
}
