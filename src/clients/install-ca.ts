import { createHash, X509Certificate } from 'node:crypto';
import type { PlannedFile } from './client.ts';
import { CONTAINERD_HOSTS } from './containerd.ts';
import { DOCKER_CERTIFICATES } from './docker.ts';
import { PODMAN_CERTIFICATES } from './podman.ts';

/** Whose trust a CA can be put into; `system` is the machine's own store, which all clients but docker's old ones read. */
export const CA_CLIENTS = ['docker', 'containerd', 'podman', 'system'] as const;

export type CaClient = (typeof CA_CLIENTS)[number];

/** How a machine's own store is fed. */
export interface SystemStore {
  readonly folder: string;
  readonly command: string;
}

/** Debian and Ubuntu, RHEL and Fedora, SUSE, Arch. */
export const SYSTEM_STORES: readonly SystemStore[] = [
  { folder: '/usr/local/share/ca-certificates', command: 'update-ca-certificates' },
  { folder: '/etc/pki/ca-trust/source/anchors', command: 'update-ca-trust' },
  { folder: '/etc/pki/trust/anchors', command: 'update-ca-certificates' },
  { folder: '/etc/ca-certificates/trust-source/anchors', command: 'update-ca-trust' },
];

/** Files and what is to be done after they are there. */
export interface CaPlan {
  readonly files: readonly PlannedFile[];
  readonly note: string;
}

/**
 * Where a client wants the CAs of a server.
 * @param authority the server as image names have it, `cache.example.com:5000`; of no matter to `system`
 * @param pems one certificate each
 */
export function planCa(
  client: CaClient,
  authority: string,
  pems: readonly string[],
  store: SystemStore,
): CaPlan {
  const content = pems.map((pem) => `${pem.trim()}\n`).join('');
  switch (client) {
    case 'docker':
      return {
        files: [{ path: `${DOCKER_CERTIFICATES}/${authority}/ca.crt`, content }],
        note: `nothing to restart: docker reads ${DOCKER_CERTIFICATES} at every pull`,
      };
    case 'podman':
      return {
        files: [{ path: `${PODMAN_CERTIFICATES}/${authority}/ca.crt`, content }],
        note: 'nothing to restart; skopeo and buildah read it too. A user without root can put it below ~/.config/containers/certs.d',
      };
    case 'containerd':
      return {
        files: [
          { path: `${CONTAINERD_HOSTS}/${authority}/ca.crt`, content },
          {
            path: `${CONTAINERD_HOSTS}/${authority}/hosts.toml`,
            content: `server = "https://${authority}"\n\n[host."https://${authority}"]\n  ca = "${CONTAINERD_HOSTS}/${authority}/ca.crt"\n`,
          },
        ],
        note: `nothing to restart, once containerd’s config.toml has config_path = "${CONTAINERD_HOSTS}" for its registries`,
      };
    case 'system':
      return {
        files: pems.map((pem) => ({
          path: `${store.folder}/regcache-${shortName(pem)}.crt`,
          content: `${pem.trim()}\n`,
        })),
        note: `then run ${store.command} as root, and restart what has read the store already: docker, containerd, CRI-O, regcache`,
      };
  }
}

function shortName(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex').slice(0, 12);
}
