import { createHash, X509Certificate } from 'node:crypto';
import type { CaClient, SystemStore } from './ca-client.ts';
import type { PlannedFile } from './client.ts';
import { CONTAINERD_HOSTS } from './containerd.ts';
import { DOCKER_CERTIFICATES } from './docker.ts';
import { PODMAN_CERTIFICATES } from './podman.ts';

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
