import { createServer } from 'node:https';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import {
  type CertificateAuthority,
  makeCertificateAuthority,
  writeCertificate,
} from '../src/certs/certificate-authority.ts';
import { certificateOf } from '../src/certs/certificate.ts';
import { type DockerRegistry, startDockerRegistry } from '../fixtures/docker-registry.ts';
import { pushImage } from '../fixtures/push-image.ts';
import { seedImage } from '../src/bench/image/seeded-image.ts';
import { ask } from '../fixtures/client.ts';
import { startHop } from '../fixtures/chain.ts';
import { freePort } from '../fixtures/free-port.ts';
import { makeByOpenssl } from '../fixtures/openssl-certificates.ts';
import { missingPeers, needPeers } from '../fixtures/peers.ts';
import { type RegcacheProcess, runRegcache, startRegcache } from '../fixtures/regcache-process.ts';
import { runProgram } from '../fixtures/run-program.ts';
import { type TempFolder, tempFolder } from '../fixtures/temp-folder.ts';

/** A deployment as it is before its first pull: two real hops with a CA each, and a china.yml without its bundle. */
interface World {
  readonly folder: TempFolder;
  readonly originAuthority: CertificateAuthority;
  readonly origin: DockerRegistry;
  readonly asiaAuthority: CertificateAuthority;
  readonly asia: RegcacheProcess;
  readonly chinaCa: string;
  readonly config: string;
  readonly bundle: string;
}

const cleanup = new AsyncDisposableStack();
let world: World | undefined;

beforeAll(async () => {
  if (missingPeers('docker-registry').length > 0) return;
  const folder = cleanup.use(await tempFolder('certs'));
  const originAuthority = await makeCertificateAuthority('origin CA');
  const asiaAuthority = await makeCertificateAuthority('asia CA');
  const origin = cleanup.use(await startDockerRegistry({ authority: originAuthority }));
  const cas = [await originAuthority.write(folder.path, 'for-asia')];
  const asia = cleanup.use(
    await startHop({
      name: 'asia',
      folder: folder.path,
      authority: asiaAuthority,
      originUrl: origin.url,
      cas,
    }),
  );
  const own = await makeCertificateAuthority('china CA');
  const tls = await writeCertificate(folder.path, 'china', await own.issue());
  const [config, bundle] = [join(folder.path, 'china.yml'), join(folder.path, 'cas.pem')];
  await writeFile(
    config,
    `version: 0.1
storage:
  filesystem: {rootdirectory: ${join(folder.path, 'store')}}
http:
  addr: 127.0.0.1:0
  tls: {certificate: ${tls.certificate}, key: ${tls.key}}
middleware:
  registry:
    - name: downstream
      options:
        upstreams:
          - originhost: ${origin.url}
            upstreamhosts: [${asia.url}]
        cas: [${bundle}]
`,
  );
  world = {
    folder,
    originAuthority,
    origin,
    asiaAuthority,
    asia,
    chinaCa: own.certificatePem,
    config,
    bundle,
  };
});

afterAll(async () => {
  await cleanup.disposeAsync();
});

function real(context: TestContext): World {
  needPeers(context, 'docker-registry');
  if (world === undefined) throw new Error('the deployment was not set up');
  return world;
}

const certs = async (...args: readonly string[]) => runRegcache(['certs', ...args]);
const fingerprint = (authority: CertificateAuthority): string =>
  certificateOf(authority.certificatePem).fingerprint;

describe('certs bundle', () => {
  test('for a config: refuses what nobody vouches for, takes it by fingerprint, and serve works with the result', async (context) => {
    const { folder, originAuthority, origin, asiaAuthority, asia, chinaCa, config, bundle } = real(context);
    // Neither server presents its CA: where no source has it either, its name is what can be said.
    const missing = await certs('bundle', '--config', config, '--out', bundle);
    expect(missing).toMatchObject({ exitCode: 1, stdout: '' });
    expect(missing.stderr).toContain(`✖ ${asia.url}: `);
    expect(missing.stderr).toContain('signed by CN=asia CA, whose certificate no source has');
    expect(missing.stderr).toContain('nothing was written');
    await expect(stat(bundle)).rejects.toThrow(/ENOENT/);

    const files = [
      await originAuthority.write(folder.path, 'origin-ca'),
      await asiaAuthority.write(folder.path, 'asia-ca'),
    ];
    const made = await certs('bundle', ...files, '--config', config, '--out', bundle);
    expect(made).toMatchObject({ exitCode: 0, stdout: '' });
    expect(made.stderr).toContain(`✔ ${asia.url} verifies\n`);
    expect(made.stderr).toContain(`✔ ${origin.url} verifies\n`);
    expect(made.stderr).toContain(`cas:\n    - ${bundle}\n`);
    const text = await readFile(bundle, 'utf8');
    expect(text).toContain(`# ${fingerprint(asiaAuthority)}\n`);
    expect(text).toContain(`# needed by ${asia.url}\n`);

    await using china = await startRegcache({ configPath: config });
    const image = await seedImage({ seed: 'certs', layerBytes: [1000] });
    await pushImage({ url: origin.url, ca: originAuthority.certificatePem }, 'lib/app', 'v1', image);
    const answer = await ask(`${china.url}/v2/lib/app/manifests/v1`, { ca: chinaCa });
    await answer.drain();
    expect(answer.status).toBe(200);

    for (const server of [asia, origin]) expect(await opensslVerifies(server.url, bundle)).toBe(true);
    for (const [server, file] of [
      [asia, files[0]],
      [origin, files[1]],
    ] as const) {
      expect(await opensslVerifies(server.url, file ?? '')).toBe(false);
    }
    // The bundle that is there counts: a second time nothing needs to be named.
    expect(await certs('bundle', '--config', config, '--check')).toMatchObject({ exitCode: 1 });
    expect((await certs('bundle', '--config', config, '--check', '--days', '3')).exitCode).toBe(0);
    expect(await certs('check', '--config', config, '--days', '3')).toMatchObject({ exitCode: 0 });
    const soon = await certs('check', '--config', config, '--json');
    expect(soon.exitCode).toBe(1);
    const rows = JSON.parse(soon.stdout) as readonly { readonly place: string }[];
    // What asia presents, and not the CA that vouches for it here.
    expect(rows.filter(({ place }) => place === asia.url)).toEqual([
      expect.objectContaining({ verdict: 'soon', subject: 'CN=localhost' }),
    ]);
  });

  test('a CA that the host presents is shown, and taken by fingerprint or on first use', async (context) => {
    const { folder } = real(context);
    const root = await makeByOpenssl(folder.path, { name: 'root', isCa: true });
    const leaf = await makeByOpenssl(folder.path, { name: 'server', signer: root });
    const chained = { certificatePem: leaf.certificatePem + root.certificatePem, keyPem: leaf.keyPem };
    const tls = await writeCertificate(folder.path, 'chained', chained);
    await using server = await startTls(tls.certificate, tls.key);
    const { fingerprint: wanted } = certificateOf(root.certificatePem);
    const refused = await certs('bundle', server.url);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toContain(`nobody but ${server.url} itself vouches for this`);
    expect(refused.stderr).toContain(wanted);
    expect((await certs('bundle', server.url, '--fingerprint', `sha256:${'0'.repeat(64)}`)).exitCode).toBe(1);
    for (const way of [['--fingerprint', wanted], ['--trust-on-first-use']]) {
      const { exitCode, stdout } = await certs('bundle', server.url, ...way);
      expect([exitCode, stdout.match(/BEGIN CERTIFICATE/g)?.length]).toEqual([0, 1]);
      expect(stdout).toContain('subject: CN=root');
    }
    const tree = await certs('inspect', server.url);
    expect(tree.stdout).toMatch(/^CN=root {2}root CA\n[\s\S]*└─ CN=server {2}server\n/);
  });

  test.each([
    [['bundle'], /there is nothing to make a bundle of/],
    [['bundle', 'none.pem'], /none\.pem cannot be read \(no such file\)/],
    [['bundle', 'http://a.test'], /plain http/],
    [['bundle', 'https://a.test/path'], /has a path/],
    [['bundle', 'system', '--fingerprint', 'abc'], /--fingerprint abc is none of SHA-256/],
    [['bundle', 'system', '--days', 'x'], /--days: `x` is no whole number/],
    [['bundle', '--config', 'none.yml'], /none\.yml: cannot be read/],
    [['inspect'], /there is nothing to inspect/],
    [['install', 'ca.pem', '--client', 'dockr', '--url', 'https://a.test'], /did you mean docker\?/],
    [['install', 'ca.pem', '--client', 'docker'], /which server is this CA for\?/],
    [['dev', 'a b'], /"a b" is no host/],
  ])('%j is refused with the way out', async (args, message) => {
    const ran = await certs(...args);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });

  test('a host that is down is a failure, not a usage error', async () => {
    const ran = await certs('bundle', `https://127.0.0.1:${await freePort()}`);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toContain('it refuses connections');
  });
});

test('certs dev makes what clients trust, keeps its CA, and overwrites nothing', async () => {
  await using folder = await tempFolder('dev');
  const dev = async (...args: readonly string[]) => certs('dev', ...args, '--out', folder.path);
  expect(await dev('asia.test,127.0.0.1,::1')).toMatchObject({ exitCode: 0 });
  const ca = await readFile(join(folder.path, 'ca.pem'), 'utf8');
  expect((await stat(join(folder.path, 'ca-key.pem'))).mode & 0o777).toBe(0o600);
  expect((await dev('asia.test')).exitCode).toBe(2);
  expect((await dev('asia.test', '--force')).exitCode).toBe(0);
  expect((await dev('[::1]', '*.china.test')).exitCode).toBe(0);
  expect(await readFile(join(folder.path, 'ca.pem'), 'utf8')).toBe(ca);
  for (const name of ['asia.test', '--1', '_.china.test']) {
    const verify = [
      'verify',
      '-purpose',
      'sslserver',
      '-CAfile',
      join(folder.path, 'ca.pem'),
      join(folder.path, `${name}.pem`),
    ];
    expect((await runProgram('openssl', verify)).exitCode).toBe(0);
  }
  await rename(join(folder.path, 'ca-key.pem'), join(folder.path, 'elsewhere'));
  const half = await dev('other.test');
  expect(half).toMatchObject({ exitCode: 2 });
  expect(half.stderr).toContain('its key');
});

test('certs install puts a CA where each client looks for it', async () => {
  await using folder = await tempFolder('install');
  const ca = await makeByOpenssl(folder.path, { name: 'ca', isCa: true });
  const install = async (client: string, ...more: readonly string[]) =>
    certs('install', ca.certificate, '--client', client, '--url', 'https://cache.test:5000', ...more);
  for (const [client, path] of [
    ['docker', 'etc/docker/certs.d/cache.test:5000/ca.crt'],
    ['podman', 'etc/containers/certs.d/cache.test:5000/ca.crt'],
    ['containerd', 'etc/containerd/certs.d/cache.test:5000/ca.crt'],
    [
      'system',
      `usr/local/share/ca-certificates/regcache-${certificateOf(ca.certificatePem).fingerprint.slice(7, 19)}.crt`,
    ],
  ] as const) {
    const shown = await install(client);
    expect(shown.stdout).toContain(`# /${path}\n-----BEGIN CERTIFICATE-----`);
    expect(await install(client, '--into', folder.path)).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(folder.path, path), 'utf8')).toBe(ca.certificatePem);
  }
});

/** Verifies a server as `curl` would: by openssl, with this bundle alone. */
async function opensslVerifies(url: string, bundle: string): Promise<boolean> {
  const { host, hostname } = new URL(url);
  const server = ['-connect', host, '-verify_ip', hostname, '-verify_return_error', '-brief'];
  const trust = ['-CAfile', bundle, '-no-CApath', '-no-CAstore'];
  const { exitCode } = await runProgram('openssl', ['s_client', ...server, ...trust]);
  return exitCode === 0;
}

/** An https server that has nothing, `/ca` neither. */
async function startTls(
  certificate: string,
  key: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const pem = await readFile(certificate, 'utf8');
  const server = createServer({ cert: pem, key: await readFile(key, 'utf8') }, (_request, response) => {
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port');
  return {
    url: `https://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
