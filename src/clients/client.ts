import type { Namespace } from '../oci/namespace.ts';
import type { CacheUrl } from './cache-url.ts';

/** The clients that files are made for; podman's are CRI-O's, buildah's and skopeo's too. */
export const CLIENTS = ['docker', 'containerd', 'podman', 'buildkit'] as const;

export type ClientName = (typeof CLIENTS)[number];

/** What the clients are to be set up for. */
export interface Setup {
  readonly cache: CacheUrl;
  /** PEM certificates that the cache's own is checked by; undefined: plain http, or the system's are enough. */
  readonly ca: string | undefined;
  /** Whether the cache asks clients for a certificate of their own. */
  readonly clientCertificate: 'none' | 'optional' | 'required';
  /** All that the cache serves; the first answers for names without a namespace. */
  readonly origins: readonly [Origin, ...Origin[]];
}

/** One namespace of the cache, and the server that is asked where the cache is down. */
export interface Origin {
  readonly namespace: Namespace;
  /** Scheme, host and port. */
  readonly url: string;
}

export interface PlannedFile {
  /** Absolute, as on the client's machine. */
  readonly path: string;
  /** Ends with a line feed. */
  readonly content: string;
}

/** What one client needs: its files and what else there is to do, or why it cannot use this cache. */
export type ClientPlan =
  | { readonly kind: 'files'; readonly files: readonly PlannedFile[]; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };
