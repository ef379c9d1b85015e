import type { Clock } from '../async/clock.ts';
import { RateLimit } from '../async/rate-limit.ts';
import type { Namespace } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { AnswerTimes } from './answer-times.ts';
import type { Credentials } from './credentials.ts';
import { Hop } from './hop.ts';
import { HopHealth } from './hop-health.ts';
import { type Balance, hopOrder } from './hop-order.ts';
import { Hops } from './hops.ts';
import type { ProxySettings } from './proxy-settings.ts';
import { RegistryClient } from './registry-client.ts';
import { type Lane, Transport } from './transport.ts';
import { loadTrust, type TrustOptions } from './trust.ts';
import type { Way } from './way.ts';

/** One server to pull from. */
export interface HopSettings {
  readonly url: string;
  readonly role: 'hop' | 'origin';
  readonly credentials: Credentials | undefined;
  readonly clientCertificate: TrustOptions['clientCertificate'];
  readonly caFiles: readonly string[];
  readonly realms: readonly string[];
}

export interface UpstreamSettings {
  readonly namespace: Namespace;
  /** Whether hops are told the namespace; an origin never is. */
  readonly sendNamespace: boolean;
  /** Never empty. */
  readonly hops: readonly HopSettings[];
  readonly balance: Balance;
  /** The origin, where it is asked when all hops fail. */
  readonly fallback: HopSettings | undefined;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly idleMs: number };
  /** To each hop. */
  readonly connections: number;
  /** Bytes a second of all bodies together; undefined for no bound. */
  readonly rateBytesPerSecond: number | undefined;
}

export interface UpstreamDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Proxies on the way, undefined for none. */
  readonly proxy?: ProxySettings | undefined;
}

/** An upstream with the connections that are its own. */
export interface OpenUpstream extends AsyncDisposable {
  readonly upstream: Hops;
  /** Closes the connections when what runs on them has ended. */
  retire(): Promise<void>;
}

interface OpenWay extends Way, AsyncDisposable {
  retire(): Promise<void>;
}

/**
 * Builds the way to an origin: trust, connections and credentials of each hop. Nothing is connected yet, so that a
 * cache starts while its upstream is down.
 * @throws {UserError} where a certificate or key file cannot be used
 */
export async function openUpstream(settings: UpstreamSettings, deps: UpstreamDeps): Promise<OpenUpstream> {
  const { rateBytesPerSecond, fallback, balance } = settings;
  const { clock } = deps;
  const rateLimit = rateBytesPerSecond === undefined ? undefined : new RateLimit(rateBytesPerSecond, clock);
  const open = async (hop: HopSettings): Promise<OpenWay> => await openWay(hop, settings, rateLimit, deps);
  const hops = await Promise.all(settings.hops.map(open));
  const last = fallback === undefined ? undefined : await open(fallback);
  const ways = last === undefined ? hops : [...hops, last];
  const order = hopOrder(
    balance,
    hops.map(({ client }) => client.name),
  );
  return {
    upstream: new Hops({ hops, fallback: last, order, ...deps }),
    retire: async () => {
      await Promise.all(ways.map(async (way) => way.retire()));
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(ways.map(async (way) => way[Symbol.asyncDispose]()));
    },
  };
}

async function openWay(
  { url, role, credentials, realms, caFiles, clientCertificate }: HopSettings,
  { namespace, sendNamespace, timeouts, connections }: UpstreamSettings,
  rateLimit: RateLimit | undefined,
  { clock, telemetry, proxy }: UpstreamDeps,
): Promise<OpenWay> {
  const trust = await loadTrust({ caFiles, clientCertificate });
  const foreignTrust =
    clientCertificate === undefined ? trust : await loadTrust({ caFiles, clientCertificate: undefined });
  const { host: upstream } = new URL(url);
  const limits = {
    onReceived: (bytes: number, lane: Lane) =>
      telemetry.emit({ kind: 'received', namespace, upstream, lane, bytes }),
    connectTimeoutMs: timeouts.connectMs,
    idleTimeoutMs: timeouts.idleMs,
    connections,
    rateLimit,
    proxy,
    proxyTrust: foreignTrust,
  };
  const transport = new Transport({ trust, ...limits });
  const foreign = new Transport({ trust: foreignTrust, ...limits });
  const hop = new Hop(
    { url: new URL(url), credentials, realms },
    { transport, foreign, clock },
    timeouts.headersMs,
  );
  const client = new RegistryClient(hop, {
    namespace,
    sendNamespace: sendNamespace && role === 'hop',
    role,
    headersTimeoutMs: timeouts.headersMs,
  });
  const { name } = client;
  const health = new HopHealth({ name, ping: async (signal) => client.ping(signal), clock, telemetry });
  return {
    namespace,
    client,
    health,
    times: { talk: new AnswerTimes(), blob: new AnswerTimes() },
    retire: async () => {
      health.close();
      await Promise.all([transport.retire(), foreign.retire()]);
    },
    [Symbol.asyncDispose]: async () => {
      health.close();
      await Promise.all([transport[Symbol.asyncDispose](), foreign[Symbol.asyncDispose]()]);
    },
  };
}
