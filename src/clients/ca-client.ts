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
