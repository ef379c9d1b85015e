import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTarget } from '../http/route.ts';
import { DOCKER_HUB, type Namespace, parseNamespace } from '../oci/namespace.ts';
import { parseCacheUrl } from './cache-url.ts';
import type { ClientName, Setup } from './client.ts';
import { type ClientFiles, planClients } from './plan-clients.ts';

/** What a client sends for one image, as its files have it. */
interface Sent {
  readonly namespace: string;
  /** The request target of the image `team/app`. */
  readonly target: string;
}

const IMAGE = 'team/app/manifests/v1';

const anyNamespaces = fc
  .shuffledSubarray(
    [
      'docker.io',
      'quay.io',
      'localhost',
      'dtr.example.com:8443',
      'under_score.example',
      '127.0.0.1:5001',
      '[::1]:5002',
    ].map(parseNamespace),
    { minLength: 1 },
  )
  .map(([first = DOCKER_HUB, ...others]): readonly [Namespace, ...Namespace[]] => [first, ...others]);

const anyUrl = fc
  .tuple(
    fc.constantFrom('http', 'https'),
    fc.constantFrom(
      'cache.example.com:5000',
      'cache.example.com',
      'cache',
      'cache:5000',
      '[::1]:5000',
      '10.0.0.1',
    ),
  )
  .map(([scheme, authority]) => `${scheme}://${authority}`);

function setupOf(
  url: string,
  prefix: string,
  [first, ...others]: readonly [Namespace, ...Namespace[]],
): Setup {
  const originOf = (namespace: Namespace): Setup['origins'][0] => ({
    namespace,
    url: `https://${namespace}`,
  });
  return {
    cache: parseCacheUrl(url, '--url', prefix),
    ca: undefined,
    clientCertificate: 'none',
    origins: [originOf(first), ...others.map(originOf)],
  };
}

/** containerd's rule: the host's path, `v2/`, the name, and the namespace as `ns`. */
function sentByHostsToml({ files }: ClientFiles): readonly Sent[] {
  return files
    .filter(({ path }) => path.endsWith('/hosts.toml'))
    .map(({ path, content }) => {
      const namespace = path.split('/').at(-2) ?? '';
      const host = /^\[host\."([^"]+)"\]$/m.exec(content)?.[1] ?? '';
      return { namespace, target: `${pathOf(host)}/v2/${IMAGE}?ns=${encodeURIComponent(namespace)}` };
    });
}

/** The rule of `registry-mirrors`: the mirror's path, `v2/` and the name, for Docker Hub's images. */
function sentByDaemonJson({ files }: ClientFiles): readonly Sent[] {
  const text = files.find(({ path }) => path.endsWith('/daemon.json'))?.content ?? '{}';
  const { 'registry-mirrors': mirrors = [] } = JSON.parse(text) as { 'registry-mirrors'?: string[] };
  return mirrors.map((mirror) => ({ namespace: 'docker.io', target: `${pathOf(mirror)}/v2/${IMAGE}` }));
}

/** podman's rule: the mirror's location in place of the prefix, read as an image's name. */
function sentByRegistriesConf({ files }: ClientFiles): readonly Sent[] {
  const text = files.find(({ path }) => path.endsWith('.conf'))?.content ?? '';
  return Array.from(
    text.matchAll(/^prefix = "([^"]+)"$[^]*?^\[\[registry\.mirror\]\]\nlocation = "([^"/]+)(\/[^"]+)?"$/gm),
    ([, namespace = '', , place = '']) => ({ namespace, target: `/v2${place}/${IMAGE}` }),
  );
}

/** BuildKit's rule: `v2/`, the mirror's path, the name, and the namespace as `ns`. */
function sentByBuildkitdToml({ files }: ClientFiles): readonly Sent[] {
  const text = files.find(({ path }) => path.endsWith('/buildkitd.toml'))?.content ?? '';
  return Array.from(
    text.matchAll(/^\[registry\."([^"]+)"\]\n {2}mirrors = \["[^"/]+(\/[^"]+)?"\]$/gm),
    ([, namespace = '', place = '']) => ({
      namespace,
      target: `/v2${place}/${IMAGE}?ns=${encodeURIComponent(namespace)}`,
    }),
  );
}

function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/$/, '');
}

interface Case {
  readonly client: ClientName;
  readonly file: string;
  readonly sentBy: (made: ClientFiles) => readonly Sent[];
  /** Whether the file can serve a namespace; `index` is its place among the upstreams. */
  readonly serves: (namespace: Namespace, index: number, setup: Setup) => boolean;
}

const CASES: readonly Case[] = [
  { client: 'containerd', file: 'hosts.toml', sentBy: sentByHostsToml, serves: () => true },
  { client: 'docker', file: 'hosts.toml', sentBy: sentByHostsToml, serves: () => true },
  {
    client: 'docker',
    file: 'daemon.json',
    sentBy: sentByDaemonJson,
    serves: (namespace) => namespace === DOCKER_HUB,
  },
  {
    client: 'podman',
    file: 'registries.conf',
    sentBy: sentByRegistriesConf,
    serves: (namespace, index, { cache }) => cache.path === '' && (index === 0 || !namespace.includes(':')),
  },
  {
    client: 'buildkit',
    file: 'buildkitd.toml',
    sentBy: sentByBuildkitdToml,
    serves: (_, __, { cache }) => cache.path === '',
  },
];

describe.each(CASES)('what $client sends by its $file', ({ client, sentBy, serves }) => {
  it('arrives in the image’s own namespace, for every namespace that the file can serve', () => {
    fc.assert(
      fc.property(
        anyUrl,
        fc.constantFrom('/', '/registry/', '/a/b/'),
        anyNamespaces,
        (url, prefix, namespaces) => {
          const setup = setupOf(url, prefix, namespaces);
          const sent = sentBy(madeFor(client, setup));
          const arrived = sent.map(({ target }) => {
            const { route } = parseTarget(target, prefix, {
              default: namespaces[0],
              all: new Set(namespaces),
            });
            return route.kind === 'manifest' ? route.repository : route;
          });
          expect(arrived).toEqual(sent.map(({ namespace }) => ({ namespace, name: 'team/app' })));
          expect(sent.map(({ namespace }) => namespace)).toEqual(
            namespaces.filter((namespace, index) => serves(namespace, index, setup)),
          );
        },
      ),
    );
  });
});

describe('what podman cannot be told', () => {
  it('is told to the operator, each namespace by name', () => {
    fc.assert(
      fc.property(anyNamespaces, (namespaces) => {
        const { notes } = madeFor('podman', setupOf('https://cache.example.com', '/', namespaces));
        const leftOut = notes.flatMap(
          ({ text }) => /^(\S+) is not cached for podman: /.exec(text)?.[1] ?? [],
        );
        expect(leftOut).toEqual(
          namespaces.filter((namespace, index) => index > 0 && namespace.includes(':')),
        );
      }),
    );
  });
});

function madeFor(client: ClientName, setup: Setup): ClientFiles {
  const { files, notes } = planClients(undefined, setup);
  return {
    files: files.filter((file) => file.client === client),
    notes: notes.filter((note) => note.client === client),
  };
}
