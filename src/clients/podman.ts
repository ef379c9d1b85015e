import { readNamespace } from '../oci/namespace.ts';
import { clientCertificateNotes } from './client-certificate.ts';
import type { ClientPlan, Origin, Setup } from './client.ts';
import { caFile } from './hosts-toml.ts';
import { imagePrefix } from './image-prefix.ts';
import { tomlString } from './toml-string.ts';

export const PODMAN_CERTIFICATES = '/etc/containers/certs.d';
const DROP_IN = '/etc/containers/registries.conf.d/50-regcache.conf';

/** podman, CRI-O, buildah and skopeo: a drop-in for registries.conf, which names mirrors as images are named. */
export function planPodman(setup: Setup): ClientPlan {
  const places = setup.origins.map((origin) => ({ origin, place: imagePrefix(setup, origin) }));
  const registries = places.flatMap(({ origin, place }) =>
    place.kind === 'prefix' ? [registry(setup, origin, place.prefix)] : [],
  );
  const [leftOut] = places.flatMap(({ place }) => (place.kind === 'none' ? [place.reason] : []));
  if (registries.length === 0) {
    return {
      kind: 'refused',
      reason: `it names a mirror as it names images, and ${leftOut ?? 'there is none'}`,
    };
  }
  return {
    kind: 'files',
    files: [{ path: DROP_IN, content: registries.join('\n') }, ...caFile(setup, PODMAN_CERTIFICATES)],
    notes: [
      ...places.flatMap(({ origin, place }) =>
        place.kind === 'none'
          ? [`${origin.namespace} is not cached for podman: ${place.reason}. ${WAY_OUT}`]
          : [],
      ),
      'Nothing to restart for podman, buildah and skopeo; CRI-O: systemctl reload crio. A user with a ' +
        'registries.conf in ~/.config/containers does not get the drop-in: copy it to ' +
        '~/.config/containers/registries.conf.d',
      ...clientCertificateNotes(setup, `${PODMAN_CERTIFICATES}/${setup.cache.authority}`),
    ],
  };
}

const WAY_OUT = 'The first of the upstreams is cached under any name: its images need none there';

function registry(setup: Setup, origin: Origin, mirror: string): string {
  const lines = [
    '[[registry]]',
    `prefix = ${tomlString(origin.namespace)}`,
    `location = ${tomlString(location(origin))}`,
    ...(origin.url.startsWith('http:') ? ['insecure = true'] : []),
    '',
    '[[registry.mirror]]',
    `location = ${tomlString(mirror)}`,
    ...(setup.cache.scheme === 'http' ? ['insecure = true'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The origin as podman names it: Docker Hub's own server it knows itself. */
function location(origin: Origin): string {
  const { host } = new URL(origin.url);
  return readNamespace(host) === origin.namespace ? origin.namespace : host;
}
