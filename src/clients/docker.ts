import { DOCKER_HUB } from '../oci/namespace.ts';
import { cacheHref } from './cache-url.ts';
import { clientCertificateNotes } from './client-certificate.ts';
import type { ClientPlan, Origin, PlannedFile, Setup } from './client.ts';
import { hostsTomlFiles } from './hosts-toml.ts';
import { imagePrefix } from './image-prefix.ts';

export const DOCKER_CERTIFICATES = '/etc/docker/certs.d';
const CONFIG = '/etc/docker/daemon.json';

/**
 * The docker engine, in both of its ways: with its own image store it knows mirrors of Docker Hub only
 * (`registry-mirrors`); with containerd's it reads `hosts.toml` below its folder of certificates, and takes a mirror's
 * CA from nowhere else.
 */
export function planDocker(setup: Setup): ClientPlan {
  const mirror = hubMirror(setup);
  return {
    kind: 'files',
    files: [...daemonJson(setup, mirror), ...hostsTomlFiles(setup, DOCKER_CERTIFICATES)],
    notes: [
      ...hubNotes(setup, mirror),
      ...nameNotes(setup),
      ...(daemonJson(setup, mirror).length === 0
        ? [`Nothing to restart: docker reads ${DOCKER_CERTIFICATES} at every pull`]
        : [
            `Merge the keys into a ${CONFIG} that is there already; then: systemctl reload docker. ` +
              `${DOCKER_CERTIFICATES} is read at every pull`,
          ]),
      ...clientCertificateNotes(setup, `${DOCKER_CERTIFICATES}/${setup.cache.authority}`),
    ],
  };
}

/** Docker Hub at the cache: a mirror is sent no namespace, so that it goes into the path unless it is the default. */
function hubMirror(setup: Setup): string | undefined {
  const href = cacheHref(setup.cache);
  if (setup.origins[0].namespace === DOCKER_HUB) return href;
  return setup.origins.some(isHub) ? `${href}/${DOCKER_HUB}` : undefined;
}

function daemonJson({ cache }: Setup, mirror: string | undefined): readonly PlannedFile[] {
  const keys = {
    ...(mirror === undefined ? {} : { 'registry-mirrors': [mirror] }),
    ...(cache.scheme === 'http' ? { 'insecure-registries': [cache.authority] } : {}),
  };
  if (Object.keys(keys).length === 0) return [];
  return [{ path: CONFIG, content: `${JSON.stringify(keys, undefined, 2)}\n` }];
}

function hubNotes({ cache }: Setup, mirror: string | undefined): readonly string[] {
  if (mirror === undefined) {
    return [
      'registry-mirrors serves Docker Hub only, and the configuration has no namespace docker.io: no mirror is set',
    ];
  }
  const hasPath = new URL(mirror).pathname !== '/';
  return [
    ...(hasPath
      ? ['This mirror has a path, which needs docker 24.0.8 or newer: an older one does not start with it']
      : []),
    ...(cache.scheme === 'http'
      ? [
          'Where insecure-registries is set, docker 29.10 and newer no longer trusts 127.0.0.0/8 of its own accord: ' +
            'add registries of the machine itself that have no TLS',
        ]
      : []),
  ];
}

/** How images are pulled that `registry-mirrors` does not reach. */
function nameNotes(setup: Setup): readonly string[] {
  const others = setup.origins.filter((origin) => !isHub(origin));
  if (others.length === 0) return [];
  const names = others.map((origin) => {
    const place = imagePrefix(setup, origin);
    return place.kind === 'prefix'
      ? `  ${origin.namespace}/<name> as ${place.prefix}/<name>`
      : `  ${origin.namespace}/<name>: not at all, ${place.reason}`;
  });
  return [
    'docker with the containerd image store (docker info: driver-type io.containerd.snapshotter.v1), from 28.5 on, ' +
      'reads the hosts.toml files and pulls every namespace through the cache by its own names. Any other docker ' +
      `has mirrors of Docker Hub only, and takes the names at the cache:\n${names.join('\n')}`,
  ];
}

function isHub(origin: Origin): boolean {
  return origin.namespace === DOCKER_HUB;
}
