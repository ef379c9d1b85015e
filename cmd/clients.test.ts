import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeCertificateAuthority } from '../src/certs/certificate-authority.ts';
import { memoryTerminal } from '../fixtures/memory-terminal.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import type { ClientFiles } from '../src/clients/plan-clients.ts';
import { runCli } from './cli.ts';
import { reportError } from './terminal.ts';

const URL_OPTION = ['--url', 'https://cache.example.com:5000'];

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const { terminal, out, err } = memoryTerminal({ HOME: '/home/nobody', ...env });
  let code: number;
  try {
    code = await runCli(['clients', ...args], terminal);
  } catch (error) {
    code = reportError(error, terminal);
  }
  return { code, out: out(), err: err() };
}

async function made(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ClientFiles> {
  const { code, out, err } = await run([...args, '--json'], env);
  expect({ code, err }).toMatchObject({ code: 0 });
  return JSON.parse(out) as ClientFiles;
}

interface Place {
  readonly folder: string;
  /** A configuration with `http: {…}` as given. */
  config(http?: string): Promise<string>;
  /** A CA’s certificate, on disk and as text. */
  readonly ca: { readonly file: string; readonly pem: string };
}

async function inPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await using folder = await tempFolder('clients');
  const authority = await makeCertificateAuthority();
  const { certificatePem, keyPem } = await authority.issue();
  const files = { 'ca.pem': authority.certificatePem, 'cert.pem': certificatePem, 'key.pem': keyPem };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  await use({
    folder: folder.path,
    ca: { file: join(folder.path, 'ca.pem'), pem: authority.certificatePem },
    config: async (http = '{addr: ":5000", secret: hush-hush}') => {
      const file = join(folder.path, 'config.yml');
      await writeFile(file, configText(http.replaceAll('DIR', folder.path)));
      return file;
    },
  });
}

function configText(http: string): string {
  return `version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: ${http}
middleware:
  registry:
    - name: downstream
      options:
        upstreams:
          - {originhost: "https://registry-1.docker.io", username: robot, password: s3cret}
          - originhost: https://dtr.example.com
            upstreamhosts: [{url: "https://asia.example:5000", username: hopper, password: s3cret}]
`;
}

describe('regcache clients', () => {
  it('prints each file behind its path, and what else is to be done', async () => {
    await inPlace(async ({ config, ca }) => {
      const { code, out, err } = await run([
        'containerd',
        '-c',
        await config(),
        ...URL_OPTION,
        '--ca',
        ca.file,
      ]);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain(`# /etc/containerd/certs.d/dtr.example.com/hosts.toml
# dtr.example.com: the cache first, the origin where the cache does not answer
server = "https://dtr.example.com"

[host."https://cache.example.com:5000"]
  capabilities = ["pull", "resolve"]
  ca = "../cache.example.com:5000/ca.crt"

# /etc/containerd/certs.d/cache.example.com:5000/ca.crt
${ca.pem}
# containerd: Nothing to restart`);
      expect(out).toMatch(/[^\n]\n$/);
    });
  });

  it('prints all clients’ files as JSON, with no credentials and no hop', async () => {
    await inPlace(async ({ config, ca }) => {
      const args = ['-c', await config(), ...URL_OPTION, '--ca', ca.file];
      const { files, notes } = await made(args);
      expect(new Set(files.map(({ client }) => client))).toEqual(
        new Set(['docker', 'containerd', 'podman', 'buildkit']),
      );
      expect(files[0]).toEqual({
        client: 'docker',
        path: '/etc/docker/daemon.json',
        content: '{\n  "registry-mirrors": [\n    "https://cache.example.com:5000"\n  ]\n}\n',
      });
      expect(notes).toContainEqual({ client: 'podman', text: expect.stringContaining('crio') as string });
      for (const shown of [JSON.stringify({ files, notes }), (await run(args)).out]) {
        expect(shown).not.toMatch(/s3cret|hush-hush|robot|hopper|asia\.example/);
      }
    });
  });

  it('works without a configuration, and says so', async () => {
    const { code, out, err } = await run(['docker']);
    expect(code).toBe(0);
    expect(out).toContain('"http://127.0.0.1:5000"');
    expect(err).toContain('configuration: the embedded default');
  });

  it('finds the configuration by the environment', async () => {
    await inPlace(async ({ config }) => {
      const env = { REGISTRY_CONFIGURATION_PATH: await config() };
      const { files } = await made(['podman', ...URL_OPTION], env);
      expect(files[0]?.content).toContain('prefix = "dtr.example.com"');
    });
  });

  it('says where a client certificate goes', async () => {
    await inPlace(async ({ config, ca }) => {
      const tls = 'certificate: DIR/cert.pem, key: DIR/key.pem, clientcas: [DIR/ca.pem]';
      const args = ['containerd', ...URL_OPTION, '--ca', ca.file, '-c'];
      const required = await made([...args, await config(`{tls: {${tls}}}`)]);
      expect(required.files[0]?.content).toContain('client = [["../cache.example.com:5000/client.cert"');
      const given = await made([
        ...args,
        await config(`{tls: {${tls}, clientauth: verify-client-cert-if-given}}`),
      ]);
      expect(given.files[0]?.content).not.toContain('client =');
      expect(given.notes[1]?.text).toContain('needs none');
      const plain = await made([
        'containerd',
        '-c',
        await config(`{tls: {${tls}}}`),
        '--url',
        'http://cache',
      ]);
      expect(JSON.stringify(plain)).not.toContain('client.cert');
    });
  });

  it('puts http.prefix into the URL, and refuses a client that has no place for it', async () => {
    await inPlace(async ({ config }) => {
      const file = await config('{prefix: /registry/}');
      expect((await made(['docker', '-c', file, ...URL_OPTION])).files[0]?.content).toContain(
        '"https://cache.example.com:5000/registry"',
      );
      const { code, out, err } = await run(['podman', '-c', file, ...URL_OPTION]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('regcache: podman cannot pull through this cache: ');
    });
  });
});

describe('the cache’s URL, where none is given', () => {
  it.each([
    ['{addr: ":5000"}', {}, `http://${hostname().toLowerCase()}:5000`],
    [
      '{addr: "[::]:6000", tls: {certificate: DIR/cert.pem, key: DIR/key.pem}}',
      {},
      `https://${hostname().toLowerCase()}:6000`,
    ],
    ['{addr: "192.0.2.1:5000"}', {}, 'http://192.0.2.1:5000'],
    ['{addr: "[2001:db8::1]:5000", prefix: /a}', {}, 'http://[2001:db8::1]:5000/a'],
    ['{addr: ":5000", host: "https://cache.example.com"}', {}, 'https://cache.example.com'],
    ['{addr: ":5000", host: ""}', {}, `http://${hostname().toLowerCase()}:5000`],
    [
      '{addr: ":5000", host: "https://no.example"}',
      { REGISTRY_HTTP_HOST: 'https://env.example' },
      'https://env.example',
    ],
  ])('with http: %s and %j it is %s, which is said', async (http, env, url) => {
    await inPlace(async ({ config }) => {
      const { code, out, err } = await run(['containerd', '-c', await config(http)], env);
      expect(code).toBe(0);
      expect(out).toContain(`[host."${url}"]`);
      expect(err).toContain(`assuming that clients reach the cache at ${url}: --url names another\n`);
    });
  });

  it.each(['{net: unix, addr: /run/regcache.sock}', '{addr: "127.0.0.1:0"}'])(
    'cannot be told from %s',
    async (http) => {
      await inPlace(async ({ config }) => {
        const { code, out, err } = await run(['-c', await config(http)]);
        expect([code, out]).toEqual([2, '']);
        expect(err).toContain('name it with --url');
      });
    },
  );

  it('is refused where http.host is none', async () => {
    await inPlace(async ({ config }) => {
      const { code, err } = await run(['-c', await config('{host: cache.example.com}')]);
      expect(code).toBe(2);
      expect(err).toContain('http.host "cache.example.com" is no http or https URL');
    });
  });
});

describe('arguments that make no sense', () => {
  it.each([
    [['dokcer'], 'unknown client: dokcer', 'did you mean docker?'],
    [['skopeo'], 'unknown client: skopeo', 'did you mean podman?'],
    [['7'], 'unknown client: 7', 'known: docker, containerd, podman, buildkit'],
    [
      ['--url', 'cache:5000'],
      '--url "cache:5000" is no http or https URL',
      '--url https://cache.example.com:5000',
    ],
    [['--url', 'https://a', '--url', 'https://b'], '--url is given more than once', 'give it once'],
    [
      ['--url', 'https://robot:s3cret@cache'],
      '--url "https://***@cache" carries a user',
      'write scheme, host and port',
    ],
    [['--ca', '/nowhere/ca.pem'], '--ca /nowhere/ca.pem cannot be read (no such file)', 'name a PEM file'],
    [['--force'], '--force means something with --into only', 'name a folder with --into'],
  ])('%j: %s', async (args, message, hint) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`regcache: ${message}`);
    expect(err).toMatch(/\n {2}\S.*\n$/);
    expect(err).toContain(hint);
    expect(err).not.toContain('s3cret');
  });

  it('a CA file without a certificate', async () => {
    await inPlace(async ({ config }) => {
      const file = await config();
      const { code, err } = await run(['-c', file, ...URL_OPTION, '--ca', file]);
      expect(code).toBe(2);
      expect(err).toContain(`--ca ${file} holds no certificate`);
    });
  });
});

describe('trust', () => {
  it('is said to be the system’s without a CA, and is no matter for plain http', async () => {
    await inPlace(async ({ config, ca }) => {
      const file = await config('{tls: {certificate: DIR/cert.pem, key: DIR/key.pem}}');
      const system = await run(['podman', '-c', file, ...URL_OPTION]);
      expect(system.err).toBe(
        'no --ca: assuming that the clients’ systems trust the CA of the cache’s certificate\n',
      );
      expect(system.out).not.toContain('ca.crt');
      const plain = await run(['podman', '-c', file, '--url', 'http://cache.example.com', '--ca', ca.file]);
      expect(plain.err).toContain('warning: --ca has no effect, the URL is plain http\n');
      expect(plain.err).toContain('warning: the configuration has http.tls, and the URL is plain http');
      expect(plain.out).not.toContain('ca.crt');
    });
  });
});

describe('--into', () => {
  it('writes the files below a folder, says which, and what else is to be done', async () => {
    await inPlace(async ({ config, ca, folder }) => {
      const into = join(folder, 'new', 'tree');
      const args = ['-c', await config(), ...URL_OPTION, '--ca', ca.file];
      const { code, out } = await run([...args, '--into', into]);
      expect(code).toBe(0);
      const { files } = await made(args);
      for (const { path, content } of files) {
        expect(await readFile(join(into, path), 'utf8')).toBe(content);
        expect(out).toContain(`wrote ${join(into, path)}\n`);
      }
      expect(
        (await readdir(into, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()),
      ).toHaveLength(files.length);
      expect(out).toContain('# podman: Nothing to restart');
      expect(out).not.toContain('BEGIN CERTIFICATE');
    });
  });

  it('leaves what is right alone, and writes nothing where one file differs, unless forced', async () => {
    await inPlace(async ({ config, folder }) => {
      const args = ['docker', '-c', await config(), ...URL_OPTION, '--into', folder];
      const daemonJson = join(folder, 'etc/docker/daemon.json');
      const hostsToml = join(folder, 'etc/docker/certs.d/docker.io/hosts.toml');
      await run(args);
      await writeFile(daemonJson, '{"debug": true}\n');
      await rm(hostsToml);
      const refused = await run(args);
      expect([refused.code, refused.out]).toEqual([2, '']);
      expect(refused.err).toContain(`there already, and different: ${daemonJson}\n`);
      expect(await readFile(daemonJson, 'utf8')).toBe('{"debug": true}\n');
      await expect(readFile(hostsToml)).rejects.toThrow('ENOENT');
      const forced = await run([...args, '--force']);
      expect(forced.out).toContain(`wrote ${daemonJson}\nwrote ${hostsToml}\nunchanged `);
      expect(await readFile(daemonJson, 'utf8')).toContain('registry-mirrors');
    });
  });

  it('keeps JSON on the output, and what it wrote off it', async () => {
    await inPlace(async ({ config, folder }) => {
      const { out, err } = await run([
        'podman',
        '-c',
        await config(),
        ...URL_OPTION,
        '--into',
        folder,
        '--json',
      ]);
      expect(JSON.parse(out)).toHaveProperty('files.0.client', 'podman');
      expect(err).toContain(`wrote ${join(folder, 'etc/containers/registries.conf.d/50-regcache.conf')}\n`);
    });
  });

  it('tells what is in the way', async () => {
    await inPlace(async ({ config, folder }) => {
      const args = ['docker', '-c', await config(), ...URL_OPTION, '--into', folder];
      await mkdir(join(folder, 'etc/docker/daemon.json'), { recursive: true });
      const { code, err } = await run(args);
      expect(code).toBe(2);
      expect(err).toContain('etc/docker/daemon.json cannot be read (it is a folder)');
    });
  });
});
