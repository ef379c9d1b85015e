import type { RequestListener } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from './async/clock.ts';
import { readCertificateExpiries } from './certificate-expiries.ts';
import type { Config } from './config/config.ts';
import { HealthChecks } from './health-checks.ts';
import type { Health } from './health.ts';
import { createDebugListener } from './http/debug-server.ts';
import { healthRoutes } from './http/health-routes.ts';
import { metricsRoute } from './http/metrics-route.ts';
import { HttpServer } from './http/server.ts';
import type { Metrics, MetricsDeps } from './telemetry/metrics.ts';
import type { CertificateExpiry } from './telemetry/metrics/metric-facts.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface DebugDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly version: string;
}

/** The server for operators with what it tells: health from its start, metrics and more once there is something to tell. */
export class Debug implements AsyncDisposable {
  readonly #deps: DebugDeps;
  readonly #server: HttpServer;
  readonly #routes: Map<string, RequestListener>;
  readonly #metricsPath: string | undefined;
  #checks: HealthChecks;
  #checked: Config['healthChecks'];
  #certificates: readonly CertificateExpiry[] = [];
  #metrics: Metrics | undefined;
  #leave: (() => void) | undefined;

  private constructor(
    server: HttpServer,
    routes: Map<string, RequestListener>,
    { http, healthChecks }: Config,
    deps: DebugDeps,
  ) {
    this.#deps = deps;
    this.#server = server;
    this.#routes = routes;
    this.#metricsPath = http.debug?.metricsPath;
    this.#checked = healthChecks;
    this.#checks = new HealthChecks(healthChecks, deps);
  }

  /**
   * Begins to listen and to tell health.
   * @returns undefined where no address is configured
   * @throws {UserError} where the address cannot be used
   */
  static async open(config: Config, deps: DebugDeps): Promise<Debug | undefined> {
    const { debug, limits } = config.http;
    if (debug === undefined) return undefined;
    const routes = new Map(healthRoutes(deps.health));
    const server = await HttpServer.listen({ listen: debug.listen, tls: undefined, ...limits });
    server.serve(createDebugListener(routes));
    return new Debug(server, routes, config, deps);
  }

  get url(): string {
    return this.#server.url;
  }

  /** Answers a path from now on. */
  add(path: string, listener: RequestListener): void {
    this.#routes.set(path, listener);
  }

  /** Begins to count for Prometheus, where that is enabled. */
  async startMetrics(config: Config, ports: Pick<MetricsDeps, 'facts' | 'openRequests'>): Promise<void> {
    if (this.#metricsPath === undefined) return;
    const { version, clock, telemetry } = this.#deps;
    this.#certificates = await readCertificateExpiries(config);
    // Whoever wants no metrics need not load what makes them.
    const { Metrics } = await import('./telemetry/metrics.ts');
    const certificates = (): readonly CertificateExpiry[] => this.#certificates;
    this.#metrics = new Metrics({ ...ports, clock, version, certificates, names: namesOf(config) });
    this.#leave = telemetry.subscribe(this.#metrics.observe);
    this.add(this.#metricsPath, metricsRoute(this.#metrics));
  }

  /** Takes over what can change while running: health checks, certificates, and which hops there are. */
  async reload(config: Config): Promise<void> {
    if (!isDeepStrictEqual(config.healthChecks, this.#checked)) {
      await this.#checks[Symbol.asyncDispose]();
      this.#deps.health.forgetChecks();
      this.#checked = config.healthChecks;
      this.#checks = new HealthChecks(config.healthChecks, this.#deps);
    }
    this.#metrics?.learn(namesOf(config));
    if (this.#metrics !== undefined) this.#certificates = await readCertificateExpiries(config);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.drain(0, this.#deps.clock, AbortSignal.abort());
    await this.#checks[Symbol.asyncDispose]();
    this.#leave?.();
    this.#metrics?.[Symbol.dispose]();
  }
}

function namesOf({ upstreams }: Config): MetricsDeps['names'] {
  return {
    namespaces: upstreams.map(({ namespace }) => namespace),
    upstreams: upstreams
      .flatMap(({ hops, fallback }) => [...hops, ...(fallback === undefined ? [] : [fallback])])
      .map(({ url }) => new URL(url).host),
  };
}
