/** How a container runtime pulls, as seen on the wire. */
export interface Habits {
  /** Whether a connection carries more than one request. */
  readonly keepsConnections: boolean;
  /** Asks `GET /v2/` first. */
  readonly pings: boolean;
  /** How it resolves a tag: a HEAD, then a GET by digest; or a GET at once. */
  readonly resolvesBy: 'HEAD' | 'GET';
  readonly parallelLayers: number;
  /** The config beside the layers, or after them. */
  readonly config: 'with layers' | 'after layers';
  /** Names the namespace to a cache, `?ns=`. */
  readonly sendsNamespace: boolean;
}

export const CLIENT_NAMES = ['containerd', 'docker', 'skopeo'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** containerd 2.1, docker engine 20 to 26, skopeo 1.9. */
export const HABITS: Readonly<Record<ClientName, Habits>> = {
  containerd: {
    keepsConnections: true,
    pings: false,
    resolvesBy: 'HEAD',
    parallelLayers: 3,
    config: 'with layers',
    sendsNamespace: true,
  },
  docker: {
    keepsConnections: false,
    pings: true,
    resolvesBy: 'HEAD',
    parallelLayers: 3,
    config: 'with layers',
    sendsNamespace: false,
  },
  skopeo: {
    keepsConnections: false,
    pings: true,
    resolvesBy: 'GET',
    parallelLayers: 6,
    config: 'after layers',
    sendsNamespace: false,
  },
};
