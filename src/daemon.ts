import { hostname } from 'node:os';
import type { Clock } from './async/clock.ts';
import { BlobCache } from './cache/blob-cache.ts';
import { ManifestCache } from './cache/manifest-cache.ts';
import type { PrefetchLimits } from './cache/prefetch.ts';
import { RemovedDigests } from './cache/removed-digests.ts';
import { ReferrersCache } from './cache/referrers-cache.ts';
import { Sweeper } from './cache/sweeper.ts';
import type { Config } from './config/config.ts';
import { ControlChannel } from './control-channel.ts';
import { metricFacts, snapshotSources } from './daemon-facts.ts';
import { Debug } from './debug.ts';
import { Health } from './health.ts';
import { BufferPool } from './http/buffer-pool.ts';
import { createRegistry } from './http/registry.ts';
import { HttpServer } from './http/server.ts';
import { loadServerTls } from './http/server-tls.ts';
import type { Namespaces } from './http/route.ts';
import { planReload } from './reload-plan.ts';
import { Store } from './store/store.ts';
import type { MetricFacts } from './telemetry/metrics/metric-facts.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { type OpenTracer, startTracer } from './tracing/start-tracer.ts';
import type { UpstreamSettings } from './upstream/open-upstream.ts';
import { parseProxySettings } from './upstream/proxy-settings.ts';
import { Upstreams } from './upstream/upstreams.ts';

export interface DaemonDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Where `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` and `OTEL_*` are looked for; nowhere by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Of the program; told to operators. */
  readonly version?: string;
}

/** What all clients' buffers may take together, in bytes. */
const BUFFER_BUDGET_BYTES = 64 * 1024 * 1024;
/** The largest reads that pay: TLS copies anyway. */
const MAX_BUFFER_BYTES = { plain: 1024 * 1024, tls: 256 * 1024 };
/** What running answers get on SIGTERM where `http.draintimeout` is 0. */
const DEFAULT_DRAIN_MS = 5_000;

interface Parts {
  readonly store: Store;
  readonly upstreams: Upstreams;
  readonly blobs: BlobCache;
  readonly manifests: ManifestCache;
  readonly removed: RemovedDigests;
  readonly tracer: OpenTracer | undefined;
  readonly server: HttpServer;
  readonly control: ControlChannel;
  readonly debug: Debug | undefined;
  readonly health: Health;
}

/** A running cache: the only place that constructs and wires. Two of them can live in one process. */
export class Daemon {
  readonly #deps: DaemonDeps;
  readonly #parts: Parts;
  readonly #current: { config: Config };
  /** What waits for a restart is told by what it was started with. */
  readonly #started: Config;
  #sweeper: Sweeper | undefined;

  private constructor(current: { config: Config }, deps: DaemonDeps, parts: Parts) {
    this.#current = current;
    this.#started = current.config;
    this.#deps = deps;
    this.#parts = parts;
    this.#sweeper = this.#startSweeper();
  }

  /**
   * Starts a cache. Its upstreams may be down.
   * @throws {UserError} where the address, the root, a certificate, a key or a proxy cannot be used; nothing is left open
   */
  static async start(config: Config, deps: DaemonDeps): Promise<Daemon> {
    const { clock, telemetry } = deps;
    const opened: AsyncDisposable[] = [];
    try {
      const current = { config };
      const health = new Health(() => hopNames(current.config));
      telemetry.subscribe(health.observe);
      const debug = await Debug.open(config, { ...deps, health, version: deps.version ?? '' });
      if (debug !== undefined) opened.push(debug);
      const tls = await serverTls(config, deps);
      const proxy = parseProxySettings(deps.env ?? {});
      const upstreams = await Upstreams.open(upstreamSettings(config), { clock, telemetry, proxy });
      opened.push(upstreams);
      const [{ namespace }] = config.upstreams;
      const store = await Store.open({
        root: config.storage.root,
        plainNamespace: namespace,
        clock,
        onIndexFailure: (error) =>
          telemetry.emit({ kind: 'warning', message: `the index failed: ${error.message}` }),
      });
      opened.push(store);
      const tracer = await startTracer(deps.env ?? {}, {
        clock,
        telemetry,
        scheme: tls === undefined ? 'http' : 'https',
        instanceId: store.id,
        version: deps.version ?? '',
        hopName: config.cache.hopName,
      });
      opened.push({ [Symbol.asyncDispose]: async () => tracer?.close(AbortSignal.abort()) });
      const removed = new RemovedDigests();
      const common = { store, upstreamOf: upstreams.of, clock, telemetry, removed };
      const { fillAfterAbort, ranges } = config.cache;
      const blobs = new BlobCache({ ...common, fillAfterAbort, ranges, prefetch: prefetchLimits(current) });
      opened.push(blobs);
      const freshness = (): Config['cache'] => current.config.cache;
      const manifests = new ManifestCache({
        ...common,
        freshness,
        onPulled: (...pulled) => blobs.noteManifest(...pulled),
      });
      const referrers = new ReferrersCache({ ...common, freshness });
      const pool = new BufferPool(BUFFER_BUDGET_BYTES);
      const { listen, limits } = config.http;
      const server = await HttpServer.listen({ listen, tls, ...limits });
      opened.push({ [Symbol.asyncDispose]: async () => server.drain(0, clock, AbortSignal.abort()) });
      const self = { name: config.cache.hopName ?? defaultName(server.port), id: store.id };
      const listener = createRegistry(
        {
          prefix: config.http.prefix,
          namespaces: namespacesOf(config),
          self,
          headers: config.http.headers,
          maxBufferBytes: tls === undefined ? MAX_BUFFER_BYTES.plain : MAX_BUFFER_BYTES.tls,
        },
        { blobs, manifests, lists: common, referrers, telemetry, tracer, pool },
      );
      server.serve(listener);
      telemetry.emit({ kind: 'listening', url: server.url, role: 'registry' });
      const sources = snapshotSources(current, {
        store,
        upstreams,
        blobs,
        health,
        clock,
        server,
        name: self.name,
        version: deps.version ?? '',
      });
      const control = await ControlChannel.open({
        store,
        root: config.storage.root,
        sources,
        clock,
        telemetry,
      });
      opened.push(control);
      const facts = async (): Promise<MetricFacts> => metricFacts(sources);
      await debug?.startMetrics(config, { facts, openRequests: sources.openRequests });
      for (const [path, answer] of control.routes) debug?.add(path, answer);
      if (debug !== undefined) telemetry.emit({ kind: 'listening', url: debug.url, role: 'debug' });
      return new Daemon(current, deps, {
        store,
        upstreams,
        blobs,
        manifests,
        removed,
        tracer,
        server,
        control,
        debug,
        health,
      });
    } catch (error) {
      for (const part of opened.toReversed()) await part[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where clients reach it. */
  get url(): string {
    return this.#parts.server.url;
  }

  /** Answers that are still running. */
  get openRequests(): number {
    return this.#parts.server.openRequests;
  }

  /**
   * Applies what can be applied of a configuration while running and tells what waits for a restart. Files that
   * are named as before are read again: certificates, keys, CAs, passwords.
   * @throws {UserError} and changes nothing
   */
  async reload(next: Config): Promise<void> {
    const { telemetry } = this.#deps;
    const { changed } = planReload(this.#current.config, next);
    const { needsRestart } = planReload(this.#started, next);
    const tls = needsRestart.includes('http.tls') ? undefined : await serverTls(next, this.#deps);
    if (!needsRestart.includes('upstreams')) await this.#parts.upstreams.replace(upstreamSettings(next));
    if (tls !== undefined) this.#parts.server.renewTls(tls);
    this.#current.config = next;
    await this.#parts.debug?.reload(next);
    await this.#sweeper?.[Symbol.asyncDispose]();
    this.#sweeper = this.#startSweeper();
    telemetry.emit({ kind: 'reloaded', changed, unchanged: needsRestart });
  }

  /**
   * Ends the daemon: no new connections, running answers get `http.draintimeout`, then everything is closed and
   * what is known is written down.
   * @param signal ends the waiting at once
   */
  async stop(signal: AbortSignal): Promise<void> {
    const { clock, telemetry } = this.#deps;
    const { server, debug, health, control, blobs, upstreams, store, tracer } = this.#parts;
    health.drain();
    const drainMs = this.#current.config.http.drainTimeoutMs;
    await server.drain(drainMs === 0 ? DEFAULT_DRAIN_MS : drainMs, clock, signal);
    await debug?.[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    await this.#sweeper?.[Symbol.asyncDispose]();
    await blobs[Symbol.asyncDispose]();
    await upstreams[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await tracer?.close(signal);
    telemetry.emit({ kind: 'stopped' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(AbortSignal.abort());
  }

  #startSweeper(): Sweeper | undefined {
    const { blobTtlMs, blobTtlMode } = this.#current.config.cache;
    if (blobTtlMs === undefined) return undefined;
    const { store, manifests, removed } = this.#parts;
    return new Sweeper({
      ...this.#deps,
      store,
      ttlMs: blobTtlMs,
      by: blobTtlMode === 'idle' ? 'used' : 'fetched',
      onRemoved: (digest) => {
        manifests.forget(digest);
        removed.add(digest);
      },
    });
  }
}

async function serverTls(
  config: Config,
  deps: DaemonDeps,
): Promise<Awaited<ReturnType<typeof loadServerTls>>['tls'] | undefined> {
  if (config.http.tls === undefined) return undefined;
  const { tls, warnings } = await loadServerTls(config.http.tls, deps.clock.now());
  for (const message of warnings) deps.telemetry.emit({ kind: 'warning', message });
  return tls;
}

/** By namespace: the hops, and the origin where it is the last resort. */
function hopNames({ upstreams }: Config): ReadonlyMap<string, readonly string[]> {
  return new Map(
    upstreams.map(({ namespace, hops, fallback }) => [
      namespace,
      [...hops, ...(fallback === undefined ? [] : [fallback])].map(({ url }) => new URL(url).host),
    ]),
  );
}

/** The connections are those of the configuration as it is then. */
function prefetchLimits(current: { readonly config: Config }): PrefetchLimits | undefined {
  const { prefetch } = current.config.cache;
  return (
    prefetch && {
      ...prefetch,
      connectionsOf: (namespace) =>
        current.config.upstreams.find((upstream) => upstream.namespace === namespace)?.limits.connections ??
        0,
    }
  );
}

function upstreamSettings(config: Config): UpstreamSettings[] {
  const { timeouts } = config.cache;
  return config.upstreams.map(({ limits, ...upstream }) => ({ ...upstream, timeouts, ...limits }));
}

function namespacesOf(config: Config): Namespaces {
  const all = config.upstreams.map(({ namespace }) => namespace);
  return { default: config.upstreams[0].namespace, all: new Set(all) };
}

function defaultName(port: number | undefined): string {
  const name = hostname().replaceAll(/[^A-Za-z0-9.-]/g, '-');
  return port === undefined ? name : `${name}:${port}`;
}
