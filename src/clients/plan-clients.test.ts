import { describe, expect, it } from 'vitest';
import { parseNamespace } from '../oci/namespace.ts';
import { parseCacheUrl } from './cache-url.ts';
import type { ClientName, Origin, Setup } from './client.ts';
import { type ClientFiles, planClients } from './plan-clients.ts';

const HUB = origin('docker.io', 'https://registry-1.docker.io');
const DTR = origin('dtr.example.com:8443', 'https://dtr.example.com:8443');
const QUAY = origin('quay.io', 'https://quay.io');
const CA = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

function origin(namespace: string, url: string): Origin {
  return { namespace: parseNamespace(namespace), url };
}

interface Given extends Partial<Omit<Setup, 'cache'>> {
  readonly url?: string;
}

function setupOf({ url = 'https://cache.example.com:5000', ...given }: Given = {}): Setup {
  return {
    cache: parseCacheUrl(url, '--url', '/'),
    ca: url.startsWith('https:') ? CA : undefined,
    clientCertificate: 'none',
    origins: [HUB],
    ...given,
  };
}

function filesOf(client: ClientName, given?: Given): Record<string, string> {
  return Object.fromEntries(
    planClients(client, setupOf(given)).files.map(({ path, content }) => [path, content]),
  );
}

function notesOf(made: ClientFiles): string {
  return made.notes.map(({ client, text }) => `${client}: ${text}`).join('\n');
}

describe('containerd', () => {
  it('has a hosts.toml for each namespace, and one CA beside them that it names from there', () => {
    expect(filesOf('containerd', { origins: [HUB, DTR] })).toEqual({
      '/etc/containerd/certs.d/docker.io/hosts.toml': `# docker.io: the cache first, the origin where the cache does not answer
server = "https://registry-1.docker.io"

[host."https://cache.example.com:5000"]
  capabilities = ["pull", "resolve"]
  ca = "../cache.example.com:5000/ca.crt"
`,
      '/etc/containerd/certs.d/dtr.example.com:8443/hosts.toml': `# dtr.example.com:8443: the cache first, the origin where the cache does not answer
server = "https://dtr.example.com:8443"

[host."https://cache.example.com:5000"]
  capabilities = ["pull", "resolve"]
  ca = "../cache.example.com:5000/ca.crt"
`,
      '/etc/containerd/certs.d/cache.example.com:5000/ca.crt': CA,
    });
  });

  it('names a client certificate only where the cache refuses clients without one', () => {
    const required = filesOf('containerd', { clientCertificate: 'required' });
    expect(required['/etc/containerd/certs.d/docker.io/hosts.toml']).toContain(
      '\n  client = [["../cache.example.com:5000/client.cert", "../cache.example.com:5000/client.key"]]\n',
    );
    const optional = filesOf('containerd', { clientCertificate: 'optional' });
    expect(optional['/etc/containerd/certs.d/docker.io/hosts.toml']).not.toContain('client =');
  });

  it('is given an http URL and nothing that makes it try https', () => {
    expect(filesOf('containerd', { url: 'http://cache.example.com:5000' })).toEqual({
      '/etc/containerd/certs.d/docker.io/hosts.toml': `# docker.io: the cache first, the origin where the cache does not answer
server = "https://registry-1.docker.io"

[host."http://cache.example.com:5000"]
  capabilities = ["pull", "resolve"]
`,
    });
  });

  it('keeps the path before v2/', () => {
    expect(filesOf('containerd', { url: 'https://cache.example.com/a/b/' })).toHaveProperty(
      ['/etc/containerd/certs.d/docker.io/hosts.toml'],
      expect.stringContaining('\n[host."https://cache.example.com/a/b"]\n'),
    );
  });
});

describe('docker', () => {
  it('has Docker Hub’s mirror, the CA where it looks for a mirror’s, and hosts.toml for the containerd store', () => {
    expect(filesOf('docker')).toEqual({
      '/etc/docker/daemon.json': `{
  "registry-mirrors": [
    "https://cache.example.com:5000"
  ]
}
`,
      '/etc/docker/certs.d/docker.io/hosts.toml': `# docker.io: the cache first, the origin where the cache does not answer
server = "https://registry-1.docker.io"

[host."https://cache.example.com:5000"]
  capabilities = ["pull", "resolve"]
  ca = "../cache.example.com:5000/ca.crt"
`,
      '/etc/docker/certs.d/cache.example.com:5000/ca.crt': CA,
    });
  });

  it('names the namespace in the mirror’s path where Docker Hub is not the default', () => {
    const made = planClients('docker', setupOf({ origins: [QUAY, HUB] }));
    expect(made.files[0]?.content).toContain('"https://cache.example.com:5000/docker.io"');
    expect(notesOf(made)).toContain('docker 24.0.8 or newer');
    expect(notesOf(planClients('docker', setupOf()))).not.toContain('24.0.8');
  });

  it('has no mirror without Docker Hub, says why, and tells the names at the cache', () => {
    const made = planClients('docker', setupOf({ origins: [DTR, QUAY] }));
    expect(made.files.map(({ path }) => path)).toEqual([
      '/etc/docker/certs.d/dtr.example.com:8443/hosts.toml',
      '/etc/docker/certs.d/quay.io/hosts.toml',
      '/etc/docker/certs.d/cache.example.com:5000/ca.crt',
    ]);
    const notes = notesOf(made);
    expect(notes).toContain('registry-mirrors serves Docker Hub only');
    expect(notes).toContain('\n  dtr.example.com:8443/<name> as cache.example.com:5000/<name>\n');
    expect(notes).toContain('\n  quay.io/<name> as cache.example.com:5000/quay.io/<name>\n');
    expect(notes).toContain('Nothing to restart');
    expect(notes).not.toContain('reload');
  });

  it('tells which namespaces have no name at the cache', () => {
    const made = planClients('docker', setupOf({ origins: [HUB, DTR] }));
    expect(notesOf(made)).toMatch(
      /\n {2}dtr\.example\.com:8443\/<name>: not at all, .*no colon may stand there/,
    );
  });

  it('lets a cache without TLS be named', () => {
    const files = filesOf('docker', { url: 'http://cache.example.com', origins: [QUAY] });
    expect(files['/etc/docker/daemon.json']).toBe(`{
  "insecure-registries": [
    "cache.example.com:80"
  ]
}
`);
  });
});

describe('podman', () => {
  it('has a drop-in that names the namespace at the cache, and the origin behind it', () => {
    const files = filesOf('podman', {
      origins: [HUB, QUAY, origin('intern.example.com', 'https://10.0.0.7:5000')],
    });
    expect(files).toEqual({
      '/etc/containers/registries.conf.d/50-regcache.conf': `[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "cache.example.com:5000/docker.io"

[[registry]]
prefix = "quay.io"
location = "quay.io"

[[registry.mirror]]
location = "cache.example.com:5000/quay.io"

[[registry]]
prefix = "intern.example.com"
location = "10.0.0.7:5000"

[[registry.mirror]]
location = "cache.example.com:5000/intern.example.com"
`,
      '/etc/containers/certs.d/cache.example.com:5000/ca.crt': CA,
    });
  });

  it('allows http for the cache and for the origin, each only where it has no TLS', () => {
    const given = {
      url: 'http://cache.example.com:5000',
      origins: [HUB, origin('o.example', 'http://o.example')],
    } as const;
    expect(filesOf('podman', given)['/etc/containers/registries.conf.d/50-regcache.conf']).toBe(`[[registry]]
prefix = "docker.io"
location = "docker.io"

[[registry.mirror]]
location = "cache.example.com:5000/docker.io"
insecure = true

[[registry]]
prefix = "o.example"
location = "o.example"
insecure = true

[[registry.mirror]]
location = "cache.example.com:5000/o.example"
insecure = true
`);
  });

  it('pulls the default namespace by its plain names where a port is in the way, and leaves others out', () => {
    const first = filesOf('podman', { origins: [DTR, HUB] });
    expect(first['/etc/containers/registries.conf.d/50-regcache.conf']).toContain(
      'prefix = "dtr.example.com:8443"\nlocation = "dtr.example.com:8443"\n\n[[registry.mirror]]\n' +
        'location = "cache.example.com:5000"\n',
    );
    const second = planClients('podman', setupOf({ origins: [HUB, DTR] }));
    expect(second.files[0]?.content).not.toContain('dtr.example.com');
    expect(notesOf(second)).toContain('podman: dtr.example.com:8443 is not cached for podman');
  });
});

describe('buildkit', () => {
  it('has a mirror for each namespace, and a table of the cache that says https even on its own machine', () => {
    const files = filesOf('buildkit', { url: 'https://127.0.0.1:5000', origins: [HUB, DTR] });
    expect(files).toEqual({
      '/etc/buildkit/buildkitd.toml': `[registry."docker.io"]
  mirrors = ["127.0.0.1:5000"]

[registry."dtr.example.com:8443"]
  mirrors = ["127.0.0.1:5000"]

[registry."127.0.0.1:5000"]
  http = false
  ca = ["/etc/buildkit/certs/127.0.0.1:5000/ca.crt"]
`,
      '/etc/buildkit/certs/127.0.0.1:5000/ca.crt': CA,
    });
  });

  it('speaks plain http to a cache and to an origin without TLS', () => {
    const given = {
      url: 'http://cache.example.com:5000',
      origins: [origin('o.example', 'http://o.example')],
    } as const;
    expect(filesOf('buildkit', given)).toEqual({
      '/etc/buildkit/buildkitd.toml': `[registry."o.example"]
  mirrors = ["cache.example.com:5000"]
  http = true

[registry."cache.example.com:5000"]
  http = true
`,
    });
  });

  it('names a required client certificate', () => {
    const files = filesOf('buildkit', { clientCertificate: 'required' });
    expect(files['/etc/buildkit/buildkitd.toml']).toContain(`
  [[registry."cache.example.com:5000".keypair]]
    cert = "/etc/buildkit/certs/cache.example.com:5000/client.cert"
    key = "/etc/buildkit/certs/cache.example.com:5000/client.key"
`);
  });
});

describe('client certificates', () => {
  it.each([
    ['docker', '/etc/docker/certs.d'],
    ['containerd', '/etc/containerd/certs.d'],
    ['podman', '/etc/containers/certs.d'],
    ['buildkit', '/etc/buildkit/certs'],
  ] as const)('%s is told where its own goes, if one is asked for', (client, folder) => {
    const note = (clientCertificate: Setup['clientCertificate']): string =>
      notesOf(planClients(client, setupOf({ clientCertificate })));
    const place = `${folder}/cache.example.com:5000/client.cert, and its key in ${folder}/cache.example.com:5000/client.key`;
    expect(note('required')).toMatch(
      `refuses clients without a certificate (http.tls.clientcas): put it in ${place}`,
    );
    expect(note('optional')).toContain(`Where there is one, put it in ${place}`);
    expect(note('none')).not.toContain('client.cert');
  });
});

describe('a path before v2/', () => {
  const url = 'https://cache.example.com:5000/registry';

  it.each([
    ['podman', 'no place for the path /registry/ before v2/'],
    ['buildkit', 'this cache is reached at /registry/v2/ only'],
  ] as const)('is refused for %s, with the reason', (client, reason) => {
    expect(() => planClients(client, setupOf({ url }))).toThrow(
      expect.objectContaining({
        code: 'CLIENT_REFUSED',
        exitCode: 2,
        message: expect.stringContaining(reason) as string,
      }),
    );
  });

  it('leaves those clients out of the files of all, with a note', () => {
    const made = planClients(undefined, setupOf({ url }));
    expect(new Set(made.files.map(({ client }) => client))).toEqual(new Set(['docker', 'containerd']));
    expect(notesOf(made)).toContain('podman: no files: podman cannot pull through this cache: ');
    expect(notesOf(made)).toContain('buildkit: no files: buildkit cannot pull through this cache: ');
    expect(made.files[0]?.content).toContain('"https://cache.example.com:5000/registry"');
  });
});

describe('all clients', () => {
  it('each have their files, with one client’s folders only', () => {
    const made = planClients(undefined, setupOf({ origins: [HUB, QUAY] }));
    const folders = made.files.map(({ client, path }) => `${client} ${path.split('/')[2]}`);
    expect([...new Set(folders)]).toEqual([
      'docker docker',
      'containerd containerd',
      'podman containers',
      'buildkit buildkit',
    ]);
    expect(made.files.filter(({ path }) => path.endsWith('/ca.crt'))).toHaveLength(4);
    for (const { content } of made.files) expect(content).toMatch(/[^\n]\n$/);
  });

  it('get no certificate file where the system’s CAs are enough', () => {
    const made = planClients(undefined, setupOf({ ca: undefined }));
    expect(
      made.files.filter(({ path, content }) => path.endsWith('.crt') || /\bca = /.test(content)),
    ).toEqual([]);
  });
});

describe('a URL that is an origin’s', () => {
  it.each(['https://quay.io', 'https://dtr.example.com:8443', 'https://registry-1.docker.io'])(
    '%s is refused',
    (url) => {
      expect(() => planClients('docker', setupOf({ url, origins: [HUB, QUAY, DTR] }))).toThrow(
        expect.objectContaining({ code: 'USAGE', exitCode: 2 }),
      );
    },
  );
});
