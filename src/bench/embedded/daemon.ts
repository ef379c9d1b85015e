import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { UserError } from '../../user-error.ts';

/** How this program starts itself again: what stands before `serve`. */
export interface OwnCommand {
  readonly file: string;
  readonly args: readonly string[];
}

export interface DaemonOptions {
  readonly command: OwnCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this daemon alone. */
  readonly folder: string;
  readonly name: string;
  readonly certificateFiles: { readonly certificate: string; readonly key: string };
  readonly caFile: string;
  readonly originUrl: string;
  /** The next hop; the origin where there is none. */
  readonly upstreamUrl: string | undefined;
  /** Further options of `downstream`. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

const START_MS = 30_000;
const STOP_MS = 6_000;
/** What the operator's own shell sets for daemons and for ways out is not meant for these. */
const NOT_INHERITED = /^(?:REGISTRY_.*|https?_proxy|no_proxy|all_proxy|NODE_OPTIONS|OTEL_.*)$/i;

/** A `regcache serve` in a process of its own, with an empty store. */
export class Daemon implements AsyncDisposable {
  readonly name: string;
  port = 0;
  /** Requests that it answered, and body bytes that it sent. */
  requests = 0;
  bytes = 0;
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  readonly #exited: Promise<unknown>;
  readonly #listening = Promise.withResolvers<number>();
  readonly #said: string[] = [];

  constructor(name: string, child: ChildProcessByStdio<null, null, Readable>) {
    this.name = name;
    this.#child = child;
    this.#listening.promise.catch(() => undefined);
    this.#exited = once(child, 'close').then(
      () => this.#fail('it ended'),
      (error: unknown) => this.#fail(String(error)),
    );
    createInterface(child.stderr).on('line', (line) => this.#read(line));
  }

  /** Resolves once it listens. @throws {UserError} DAEMON_FAILED with what it said */
  async started(signal: AbortSignal): Promise<void> {
    const timer = setTimeout(() => this.#fail(`it does not listen after ${START_MS / 1000} s`), START_MS);
    const stop = (): void => this.#fail('it was stopped');
    signal.addEventListener('abort', stop, { once: true });
    try {
      this.port = await this.#listening.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** SIGTERM, and SIGKILL where that does not do. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #read(line: string): void {
    let event: Record<string, unknown>;
    try {
      event = JSON.parse(line) as Record<string, unknown>;
    } catch {
      this.#said.push(line);
      return;
    }
    if (event['event'] === 'request') {
      this.requests += 1;
      this.bytes += Number(event['bytesSent'] ?? 0);
    } else if (event['event'] === 'listening' && event['role'] === 'registry') {
      this.#listening.resolve(Number(new URL(String(event['url'])).port));
    } else {
      this.#said.push(typeof event['msg'] === 'string' ? event['msg'] : line);
      if (this.#said.length > 20) this.#said.shift();
    }
  }

  #fail(why: string): void {
    const hint = this.#said.join('\n  ');
    this.#listening.reject(
      new UserError('DAEMON_FAILED', `the cache ${this.name} could not be started: ${why}`, {
        value: this.name,
        exitCode: 1,
        ...(hint === '' ? {} : { hint }),
      }),
    );
  }
}

/** Starts a cache as its operator would: by a configuration file. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { command, env, folder, name, signal } = options;
  signal.throwIfAborted();
  await mkdir(folder, { recursive: true });
  const configPath = join(folder, `${name}.yml`);
  await writeFile(configPath, configText(options));
  const inherited = Object.entries(env).filter(([key]) => !NOT_INHERITED.test(key));
  const child = spawn(command.file, [...command.args, 'serve', '--config', configPath], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: Object.fromEntries(inherited),
  });
  const daemon = new Daemon(name, child);
  try {
    await daemon.started(signal);
  } catch (error) {
    await daemon[Symbol.asyncDispose]();
    throw error;
  }
  return daemon;
}

function configText(options: DaemonOptions): string {
  const { folder, name, certificateFiles, caFile, originUrl, upstreamUrl } = options;
  const further = Object.entries(options.options).map(
    ([key, value]) => `        ${key}: ${JSON.stringify(value)}\n`,
  );
  const text = JSON.stringify;
  const hops = upstreamUrl === undefined ? '' : `\n            upstreamhosts: [${text(upstreamUrl)}]`;
  return `version: 0.1
log:
  formatter: json
storage:
  delete:
    enabled: true
  filesystem:
    rootdirectory: ${text(join(folder, 'data'))}
http:
  addr: 127.0.0.1:0
  tls:
    certificate: ${text(certificateFiles.certificate)}
    key: ${text(certificateFiles.key)}
middleware:
  registry:
    - name: downstream
      options:
        name: ${text(name)}
        blobttl: 24h
        upstreams:
          - originhost: ${text(originUrl)}${hops}
            fallback: false
        cas:
          - ${text(caFile)}
${further.join('')}`;
}
