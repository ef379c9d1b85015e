import type { Clock } from '../async/clock.ts';
import { RateLimit } from '../async/rate-limit.ts';
import type { Namespace } from '../oci/namespace.ts';
import type { Credentials } from './credentials.ts';
import { Hop } from './hop.ts';
import { Transport } from './transport.ts';
import { loadTrust, type TrustOptions } from './trust.ts';
import { Upstream } from './upstream.ts';

export interface UpstreamSettings {
  readonly namespace: Namespace;
  readonly sendNamespace: boolean;
  readonly url: string;
  readonly role: 'hop' | 'origin';
  readonly credentials: Credentials | undefined;
  readonly clientCertificate: TrustOptions['clientCertificate'];
  readonly caFiles: readonly string[];
  readonly realms: readonly string[];
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly idleMs: number };
  readonly connections: number;
  /** Bytes a second of all bodies together; undefined for no bound. */
  readonly rateBytesPerSecond: number | undefined;
}

/** An upstream with the connections that are its own. */
export interface OpenUpstream extends AsyncDisposable {
  readonly upstream: Upstream;
  /** Closes the connections when what runs on them has ended. */
  retire(): Promise<void>;
}

/**
 * Builds the way to a next hop: its trust, its connections, its credentials. Nothing is connected yet, so that a
 * cache starts while its upstream is down.
 * @throws {UserError} where a certificate or key file cannot be used
 */
export async function openUpstream(settings: UpstreamSettings, clock: Clock): Promise<OpenUpstream> {
  const { caFiles, clientCertificate, timeouts, connections, rateBytesPerSecond } = settings;
  const rateLimit = rateBytesPerSecond === undefined ? undefined : new RateLimit(rateBytesPerSecond, clock);
  const trust = await loadTrust({ caFiles, clientCertificate });
  const foreignTrust =
    clientCertificate === undefined ? trust : await loadTrust({ caFiles, clientCertificate: undefined });
  const limits = {
    connectTimeoutMs: timeouts.connectMs,
    idleTimeoutMs: timeouts.idleMs,
    connections,
    rateLimit,
  };
  const transport = new Transport({ trust, ...limits });
  const foreign = new Transport({ trust: foreignTrust, ...limits });
  const { url, credentials, realms, namespace, sendNamespace, role } = settings;
  const hop = new Hop(
    { url: new URL(url), credentials, realms },
    { transport, foreign, clock },
    timeouts.headersMs,
  );
  const upstream = new Upstream(hop, {
    namespace,
    sendNamespace,
    role,
    headersTimeoutMs: timeouts.headersMs,
  });
  return {
    upstream,
    retire: async () => {
      await Promise.all([transport.retire(), foreign.retire()]);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([transport[Symbol.asyncDispose](), foreign[Symbol.asyncDispose]()]);
    },
  };
}
