import { systemClock } from '../src/async/clock.ts';
import type { Command, Terminal } from './command.ts';
import { EXIT } from './exit.ts';
import type { Daemon } from './top/find-daemons.ts';

/** `regcache top` */
export const topCommand: Command = {
  usage: 'top',
  summary: 'watch running daemons: hit rates, fills, upstreams, the store',
  options: {
    config: {
      alias: 'c',
      type: 'string',
      describe: 'the configuration of the daemon; without one, the daemon that `serve` runs without one',
      requiresArg: true,
    },
    connect: {
      type: 'string',
      describe:
        'a daemon, as [name=]socket or [name=]URL of its debug address; may be repeated, from clients towards the origin',
      requiresArg: true,
    },
    once: { type: 'boolean', default: false, describe: 'print how it is doing, and end' },
    json: {
      type: 'boolean',
      default: false,
      describe: 'print snapshots as JSON: a line a second, or one document with --once',
    },
  },
  examples: [
    ['$0 top --config china.yml', 'the daemon that runs with china.yml'],
    [
      '$0 top --connect china=/srv/registry/regcache/control.sock --connect asia=http://asia:5001',
      'a chain, side by side',
    ],
    ['$0 top -c china.yml --once --json | jq .traffic.total', 'for programs'],
  ],
  exitCodes: [
    [EXIT.ok, 'it was left by a key or a signal; with --once, every daemon has answered'],
    [EXIT.failed, 'with --once, a daemon could not be reached'],
    [EXIT.usage, 'the arguments or the configuration are wrong'],
    [EXIT.interrupted, 'with --once, a signal ended it before there was an answer'],
  ],
  run: async (args, terminal) => {
    const { findDaemons } = await import('./top/find-daemons.ts');
    const daemons = await findDaemons(args, terminal.env);
    const stop = new AbortController();
    const onSignal = (signal: NodeJS.Signals): void => stop.abort(new Error(signal));
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, onSignal);
    // Neither a signal handler nor the wait for a daemon keeps a process alive.
    const alive = setInterval(() => undefined, 3_600_000);
    try {
      if (args['once'] === true) {
        const { printOnce } = await import('./top/print-once.ts');
        return await printOnce(daemons, terminal, { isJson: args['json'] === true, signal: stop.signal });
      }
      if (args['json'] === true || !terminal.out.isTTY) {
        const { printLines } = await import('./top/print-lines.ts');
        await printLines(daemons, terminal, { isJson: args['json'] === true, signal: stop.signal });
        return EXIT.ok;
      }
      await show(daemons, terminal, stop.signal);
      return EXIT.ok;
    } finally {
      clearInterval(alive);
      for (const signal of signals) process.off(signal, onSignal);
    }
  },
};

async function show(
  sources: readonly [Daemon, ...Daemon[]],
  { out, env }: Terminal,
  signal: AbortSignal,
): Promise<void> {
  // Ink and React are loaded here and nowhere else: every other command starts without them.
  const { runScreen } = await import('./top/run-screen.tsx');
  const { WatchedDaemons } = await import('./top/watched-daemons.ts');
  await using daemons = new WatchedDaemons(sources, systemClock);
  await runScreen(daemons, { out, env, input: process.stdin }, signal);
}
