import type { Credentials } from '../upstream/credentials.ts';

/** A server to be examined, as a cache would use it. */
export interface Target {
  /** Scheme, host and port. */
  readonly url: URL;
  readonly role: 'hop' | 'origin';
  /** Sent as `ns`; undefined where the server is told none. */
  readonly namespace: string | undefined;
  readonly credentials: Credentials | undefined;
  readonly caFiles: readonly string[];
  readonly clientCertificate: { readonly certificateFile: string; readonly keyFile: string } | undefined;
  readonly realms: readonly string[];
  /** `library/alpine:3.20`; undefined where the server's own catalog is to name one. */
  readonly image: Image | undefined;
}

export interface Image {
  readonly repository: string;
  /** A tag or a digest. */
  readonly reference: string;
}
