import { execFile } from 'node:child_process';
import { systemClock } from '../../async/clock.ts';
import { Authorizer } from '../../upstream/authorizer.ts';
import type { Credentials } from '../../upstream/credentials.ts';
import { TokenSource } from '../../upstream/token.ts';
import { Transport } from '../../upstream/transport.ts';
import { loadTrust } from '../../upstream/trust.ts';
import { UserError } from '../../user-error.ts';
import { type LiveConfig, passwordFor, type ServerConfig } from '../bench-config.ts';
import type { ImageName } from '../pull/pull-image.ts';
import { type Endpoint, Session } from '../pull/session.ts';
import type { Variant } from '../variant.ts';
import type { Way, World } from '../world.ts';

export interface LiveOptions {
  readonly config: LiveConfig;
  readonly variants: readonly Variant[];
  readonly readFile: (path: string) => Promise<string>;
  /** Whether purge commands may be run. */
  readonly allowPurge: boolean;
}

const CONNECT_MS = 5_000;
const HEADERS_MS = 25_000;
const IDLE_MS = 60_000;
const PURGE_MS = 120_000;

/** Somebody's own registry and caches. */
export class LiveWorld implements World {
  readonly mode = 'live';
  readonly variants: readonly Variant[];
  readonly links = [];
  readonly images: { reference: string; layerBytes: number[]; totalBytes: number; platforms: number }[] = [];
  readonly #options: LiveOptions;
  readonly #ways = new Map<string, Way>();
  /** What was pulled through whom since it was last purged. */
  readonly #pulled = new Set<string>();
  /** Connections to token services. */
  readonly #open = new AsyncDisposableStack();

  constructor(options: LiveOptions) {
    this.#options = options;
    this.variants = options.variants;
  }

  /** Reads certificates and passwords. @throws {UserError} where one cannot be used */
  async start(): Promise<this> {
    const { config, variants } = this.#options;
    for (const variant of variants) {
      const [first] = variant.hops;
      const server: ServerConfig | undefined = first === undefined ? config.origin : config.hops[first];
      if (server === undefined) {
        this.#ways.set(variant.name, { kind: 'closed', problem: `live.hops has no ${first}` });
        continue;
      }
      const endpoint = await this.#endpoint(server, first === undefined);
      this.#ways.set(variant.name, {
        kind: 'open',
        endpoint,
        traffic: () => [],
        warmUp: async (signal) => ping(endpoint, signal),
      });
    }
    return this;
  }

  way({ name }: Variant): Way {
    return this.#ways.get(name) ?? { kind: 'closed', problem: 'it is not configured' };
  }

  async image(round: number): Promise<ImageName> {
    const { images } = this.#options.config;
    const name = images[(round - 1) % images.length] ?? '';
    return await Promise.resolve(parseImage(name));
  }

  /** @throws {UserError} PURGE_FAILED */
  async beforeCold(variant: Variant, signal: AbortSignal): Promise<void> {
    const { config, allowPurge } = this.#options;
    if (!allowPurge) return;
    for (const hop of variant.hops) {
      const { purge } = config.hops[hop] ?? {};
      if (purge === undefined) continue;
      await runPurge(hop, purge, signal);
      for (const key of this.#pulled) if (key.startsWith(`${hop} `)) this.#pulled.delete(key);
    }
  }

  isFresh({ hops }: Variant, { repository, reference }: ImageName): boolean {
    const keys = hops.map((hop) => `${hop} ${repository} ${reference}`);
    const fresh = keys.every((key) => !this.#pulled.has(key));
    for (const key of keys) this.#pulled.add(key);
    return fresh;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }

  async #endpoint(server: ServerConfig, isOrigin: boolean): Promise<Endpoint> {
    const { config, readFile } = this.#options;
    const url = new URL(server.url);
    const trust = await loadTrust({ caFiles: server.cas, clientCertificate: undefined });
    const credentials: Credentials | undefined =
      server.username === undefined
        ? undefined
        : { username: server.username, password: await passwordFor(server, readFile) };
    const transport = this.#open.use(
      new Transport({ trust, connectTimeoutMs: CONNECT_MS, idleTimeoutMs: IDLE_MS, connections: 4 }),
    );
    const authorizer = (): Authorizer => {
      const tokens = new TokenSource({
        transport,
        clock: systemClock,
        base: url,
        credentials,
        realms: server.realms,
        headersTimeoutMs: HEADERS_MS,
      });
      return new Authorizer(credentials, tokens);
    };
    return { url, trust, authorizer, namespace: isOrigin ? undefined : config.namespace };
  }
}

/** `repository:tag` or `repository@digest`; checked by the configuration's schema. */
function parseImage(text: string): ImageName {
  const at = text.includes('@') ? text.indexOf('@') : text.lastIndexOf(':');
  return { repository: text.slice(0, at), reference: text.slice(at + 1) };
}

async function ping(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  using session = new Session(endpoint, { keepsConnections: false });
  try {
    const soon = AbortSignal.any([signal, AbortSignal.timeout(HEADERS_MS)]);
    const { status, body } = await session.ask('GET', '/v2/', { scope: '', signal: soon });
    body.resume();
    if (status >= 500) throw new Error(`/v2/ answered ${status}`);
  } catch (error) {
    signal.throwIfAborted();
    throw new UserError('UNREACHABLE', `${endpoint.url.host}: ${explain(error)}`, {
      exitCode: 1,
      cause: error,
    });
  }
}

const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: is it running?',
  ENOTFOUND: 'its name is unknown: check the URL',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by none of `cas` and the system’s CAs',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by none of `cas` and the system’s CAs',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by none of `cas` and the system’s CAs',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself and not in `cas`',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it speaks no TLS: write http:// or another port',
  EPROTO: 'it speaks no TLS: write http:// or another port',
  TimeoutError: 'no answer in time',
};

function explain(error: unknown): string {
  if (error instanceof AggregateError) return explain(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return MEANING[code] ?? error.message;
}

async function runPurge(
  hop: string,
  [program = '', ...args]: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(program, args, { timeout: PURGE_MS, signal }, (error, _out, said) => {
      if (error === null) return resolve();
      reject(
        new UserError(
          'PURGE_FAILED',
          `the purge of ${hop} failed: ${said.trim().split('\n').at(-1) || error.message}`,
          {
            value: program,
            hint: `check live.hops.${hop}.purge: a program and its arguments, run without a shell`,
            exitCode: 1,
          },
        ),
      );
    });
  });
}
