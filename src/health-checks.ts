import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import type { Clock } from './async/clock.ts';
import type { HealthCheckConfig } from './config/config.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface HealthChecksDeps {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** Looks again and again at what a configuration wants looked at, and tells when a check begins or ceases to fail. */
export class HealthChecks implements AsyncDisposable {
  readonly #deps: HealthChecksDeps;
  readonly #controller = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(checks: readonly HealthCheckConfig[], deps: HealthChecksDeps) {
    this.#deps = deps;
    this.#running = Promise.all(checks.map(async (check) => this.#watch(check)));
  }

  /** Ends all of them, and tells nothing of that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new Error('health is not checked any more'));
    await this.#running;
  }

  async #watch(check: HealthCheckConfig): Promise<void> {
    const { clock, telemetry } = this.#deps;
    const { signal } = this.#controller;
    const name = nameOf(check);
    let failures = 0;
    let told: string | undefined;
    while (!signal.aborted) {
      const reason = await this.#look(check);
      if (signal.aborted) break;
      failures = reason === undefined ? 0 : failures + 1;
      if (reason === undefined && told !== undefined) telemetry.emit({ kind: 'check-passed', check: name });
      const fails = reason !== undefined && failures >= Math.max(1, check.threshold);
      if (fails && reason !== told) telemetry.emit({ kind: 'check-failed', check: name, reason });
      told = fails ? reason : undefined;
      await clock.sleep(check.intervalMs, signal).catch(() => undefined);
    }
  }

  /** @returns why it fails; undefined where it does not */
  async #look(check: HealthCheckConfig): Promise<string | undefined> {
    const over = new AbortController();
    this.#deps.clock.sleep(check.timeoutMs, over.signal).then(
      () => over.abort(new Error(`no answer in ${check.timeoutMs / 1000} s`)),
      () => undefined,
    );
    const signal = AbortSignal.any([over.signal, this.#controller.signal]);
    try {
      return await lookAt(check, signal);
    } catch (error) {
      return reasonOf(signal.aborted ? signal.reason : error);
    } finally {
      over.abort(new Error('looked'));
    }
  }
}

/** As Distribution names it. */
function nameOf(check: HealthCheckConfig): string {
  switch (check.kind) {
    case 'file':
      return check.path;
    case 'http':
      return check.uri;
    case 'tcp':
      return check.host.includes(':') ? `[${check.host}]:${check.port}` : `${check.host}:${check.port}`;
  }
}

/** @throws whatever keeps it from being looked at */
async function lookAt(check: HealthCheckConfig, signal: AbortSignal): Promise<string | undefined> {
  switch (check.kind) {
    case 'file':
      return (await exists(check.path)) ? 'file exists' : undefined;
    case 'http': {
      const headers = Object.entries(check.headers).flatMap(([name, values]) =>
        values.map((value): [string, string] => [name, value]),
      );
      const { status } = await fetch(check.uri, { method: 'HEAD', headers, signal });
      return status === check.status ? undefined : `it answers ${status}, not ${check.status}`;
    }
    case 'tcp': {
      const socket = connect({ host: check.host, port: check.port, signal });
      try {
        await once(socket, 'connect', { signal });
        return undefined;
      } finally {
        // An address that is given up while it is being looked up fails once more.
        socket.on('error', () => undefined).destroy();
      }
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const deepest = cause instanceof Error ? cause : error;
  return deepest.message === '' && 'code' in deepest ? String(deepest.code) : deepest.message;
}
