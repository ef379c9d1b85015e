import { clientCertificateNotes } from './client-certificate.ts';
import type { ClientPlan, Setup } from './client.ts';
import { hostsTomlFiles } from './hosts-toml.ts';

export const CONTAINERD_HOSTS = '/etc/containerd/certs.d';

/** containerd, and what pulls with it: Kubernetes, nerdctl, `ctr --hosts-dir`. */
export function planContainerd(setup: Setup): ClientPlan {
  return {
    kind: 'files',
    files: hostsTomlFiles(setup, CONTAINERD_HOSTS),
    notes: [
      'Nothing to restart: containerd reads these files at every pull, once its config.toml has config_path = ' +
        `"${CONTAINERD_HOSTS}" in [plugins."io.containerd.cri.v1.images".registry] (containerd 2) or ` +
        '[plugins."io.containerd.grpc.v1.cri".registry] (containerd 1). If that is new: systemctl restart containerd. ' +
        `With ctr, name the folder: ctr images pull --hosts-dir ${CONTAINERD_HOSTS} …`,
      ...clientCertificateNotes(setup, `${CONTAINERD_HOSTS}/${setup.cache.authority}`),
    ],
  };
}
