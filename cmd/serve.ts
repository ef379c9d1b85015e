import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { systemClock } from '../src/async/clock.ts';
import type { LoadedConfig } from '../src/config/load-config.ts';
import type { Daemon } from '../src/daemon.ts';
import { Telemetry } from '../src/telemetry/telemetry.ts';
import { UserError } from '../src/user-error.ts';
import { type Command, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';
import { ServiceManager } from './service-manager.ts';
import { VERSION } from './version.ts';

/** `regcache serve` */
export const serve: Command = {
  usage: 'serve [file]',
  summary: 'run the caching registry',
  operands: { file: 'the configuration file, as --config' },
  options: {
    config: {
      alias: 'c',
      type: 'string',
      describe: 'the configuration file; without one, Docker Hub is cached on 127.0.0.1:5000',
      requiresArg: true,
    },
  },
  examples: [
    ['$0 serve --config config.yml', 'run with a configuration'],
    ['$0 serve', 'cache Docker Hub on this machine'],
    ['REGISTRY_HTTP_ADDR=127.0.0.1:6000 $0 serve -c config.yml', 'override a key by the environment'],
  ],
  exitCodes: [
    [EXIT.ok, 'ended by SIGTERM or SIGINT'],
    [EXIT.usage, 'the arguments, the configuration or the machine are wrong: it did not start'],
    [EXIT.interrupted, 'a second signal cut running answers off'],
  ],
  run: async (args, terminal) => {
    // Every 64 KiB read from a socket is a new buffer, and V8 counts them against a heap of 14 MB: left alone, it marks
    // the whole heap for each 18 MB that pass. Measured on a cold 256 MiB blob: 15 % less CPU, 20 MB more memory.
    setFlagsFromString('--heap-growing-percent=300');
    // The schema, the daemon, the log: loaded only where something is served.
    const { loadConfig } = await import('../src/config/load-config.ts');
    const { Daemon } = await import('../src/daemon.ts');
    const { EventLog } = await import('../src/telemetry/logger.ts');
    const file = textOption(args, 'config') ?? textOption(args, 'file');
    const load = async (): Promise<LoadedConfig> =>
      loadConfig({ file, env: terminal.env, readFile: async (path) => readFile(path, 'utf8') });
    const loaded = await load();
    const { config } = loaded;
    const telemetry = new Telemetry();
    const log = new EventLog({ ...config.log, colour: terminal.colour, destination: terminal.err });
    telemetry.subscribe(log.write);
    for (const message of loaded.warnings) telemetry.emit({ kind: 'warning', message });
    if (file === undefined) explain(loaded, terminal);
    await using manager = new ServiceManager({
      clock: systemClock,
      env: terminal.env,
      onFailure: (message) => telemetry.emit({ kind: 'warning', message }),
    });
    const daemon = await Daemon.start(config, {
      clock: systemClock,
      telemetry,
      env: terminal.env,
      version: VERSION,
    });
    manager.ready(`Serving ${daemon.url}`);
    let { drainTimeoutMs } = config.http;
    const reload = (): void => {
      manager.reloading();
      load()
        .then(async (next) => {
          log.setLevel(next.config.log.level);
          await daemon.reload(next.config);
          ({ drainTimeoutMs } = next.config.http);
          manager.reloaded(`Serving ${daemon.url}`);
        })
        .catch((error: unknown) => {
          const message = error instanceof UserError ? error.message : String(error);
          telemetry.emit({ kind: 'reload-failed', message });
          manager.reloaded(`Serving ${daemon.url} as before: the last reload failed: ${message}`);
        });
    };
    process.on('SIGHUP', reload);
    const interrupted = await runUntilSignal(daemon, telemetry, () => manager.stopping(drainTimeoutMs));
    process.off('SIGHUP', reload);
    return interrupted ? EXIT.interrupted : EXIT.ok;
  },
};

function explain(loaded: LoadedConfig, { err, env }: Terminal): void {
  const { storage, upstreams, cache } = loaded.config;
  if ((env['REGISTRY_CONFIGURATION_PATH'] ?? '') !== '') return;
  const days =
    cache.blobTtlMs === undefined ? 'for ever' : `for ${cache.blobTtlMs / 86_400_000} days without use`;
  err.write(
    `No configuration was named: caching ${upstreams[0].namespace} under ${storage.root}, ${days}.\n` +
      `Point docker at it with "registry-mirrors"; see \`regcache serve --help\` for a configuration of your own.\n`,
  );
}

/**
 * Waits for SIGTERM or SIGINT, then drains; a second signal ends the draining at once.
 * @param onStopping called with the first signal
 * @returns whether there was a second signal
 */
async function runUntilSignal(
  daemon: Daemon,
  telemetry: Telemetry,
  onStopping: () => void,
): Promise<boolean> {
  const hurry = new AbortController();
  const first = Promise.withResolvers<NodeJS.Signals>();
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    if (signals === 1) first.resolve(signal);
    else hurry.abort(new Error(`second ${signal}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // A signal handler does not keep a process alive, and neither does a server on a closed socket.
  const alive = setInterval(() => undefined, 3_600_000);
  try {
    const signal = await first.promise;
    onStopping();
    telemetry.emit({ kind: 'draining', signal, openRequests: daemon.openRequests });
    await daemon.stop(hurry.signal);
    return hurry.signal.aborted;
  } finally {
    clearInterval(alive);
    process.off('SIGTERM', onSignal);
    process.off('SIGINT', onSignal);
  }
}
