import { Counter, Gauge, type Registry } from 'prom-client';

/** Counts what happens to the daemon as a whole. */
export class DaemonCounters {
  readonly #reloaded;
  readonly #internalErrors;

  constructor(registry: Registry, version: string) {
    const registers = [registry];
    new Gauge({
      name: 'regcache_build_info',
      help: '1, with the version of the program and of Node.',
      labelNames: ['version', 'node'],
      registers,
    }).set({ version, node: process.version }, 1);
    this.#reloaded = new Gauge({
      name: 'regcache_config_last_reload_successful',
      help: '0 from a reload that failed to the next that works.',
      registers,
    });
    this.#reloaded.set(1);
    this.#internalErrors = new Counter({
      name: 'regcache_internal_errors_total',
      help: 'Faults of the program itself.',
      registers,
    });
  }

  reloaded(successful: boolean): void {
    this.#reloaded.set(successful ? 1 : 0);
  }

  internalError(): void {
    this.#internalErrors.inc();
  }
}
