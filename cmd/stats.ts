import { readFile } from 'node:fs/promises';
import type { DayTally } from '../src/control/snapshot.ts';
import { UserError } from '../src/user-error.ts';
import { type Command, type Terminal, textOption } from './command.ts';
import { EXIT } from './exit.ts';

type Arguments = Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;
const PATIENCE_MS = 10_000;
const MOST_DAYS = 400;

/** `regcache stats` */
export const statsCommand: Command = {
  usage: 'stats',
  summary: 'print hit rates by day: kept over restarts, read from the daemon or from its store',
  options: {
    since: {
      type: 'string',
      default: '7d',
      describe: 'how far back: days (7d), weeks (2w), or a day (2026-11-01); days are UTC’s',
      requiresArg: true,
    },
    config: { alias: 'c', type: 'string', describe: 'the daemon’s configuration file', requiresArg: true },
    connect: {
      type: 'string',
      describe: 'a daemon’s control socket or debug address instead',
      requiresArg: true,
    },
    namespace: { type: 'string', describe: 'count this namespace only', requiresArg: true },
    json: { type: 'boolean', default: false, describe: 'print JSON: one object for each day and namespace' },
  },
  examples: [
    ['$0 stats --since 7d --config china.yml', 'the last seven days of china'],
    ['$0 stats --since 4w --namespace docker.io', 'four weeks of Docker Hub'],
    ['$0 stats --connect http://asia.example.com:5001 --json', 'of another machine, for programs'],
  ],
  run: async (args, terminal) => {
    const days = daysOf(textOption(args, 'since') ?? '7d', Date.now());
    const all = await readDays(args, days, terminal);
    const namespace = textOption(args, 'namespace');
    const kept = all.filter((tally) => namespace === undefined || tally.namespace === namespace);
    const { out, env } = terminal;
    if (args['json'] === true) {
      out.write(`${JSON.stringify(kept)}\n`);
      return EXIT.ok;
    }
    const { statsText } = await import('../src/control/stats-text.ts');
    const { megabytes } = await import('../src/bench/report/units.ts');
    const colour = out.isTTY && (env['NO_COLOR'] ?? '') === '';
    out.write(statsText(kept, { days, megabytes, colour }));
    return EXIT.ok;
  },
};

/** A running daemon knows the last seconds, too; where none runs, its store has what it has written. */
async function readDays(
  args: Arguments,
  days: readonly string[],
  terminal: Terminal,
): Promise<readonly DayTally[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const connect = textOption(args, 'connect');
  if (connect !== undefined) {
    if (textOption(args, 'config') !== undefined) {
      throw new UserError('USAGE', '--connect and --config each name a daemon', { hint: 'give one of them' });
    }
    const { connectControl } = await import('../src/control/control-client.ts');
    const { parseControlTarget } = await import('../src/control/control-target.ts');
    return await connectControl(parseControlTarget(connect).target).daily(signal, days.length);
  }
  const { connectStore } = await import('../src/control/connect-store.ts');
  const { loadConfig } = await import('../src/config/load-config.ts');
  const file = textOption(args, 'config');
  const { config } = await loadConfig({
    file,
    env: terminal.env,
    readFile: async (path) => readFile(path, 'utf8'),
  });
  const { root } = config.storage;
  try {
    return await connectStore(root).daily(signal, days.length);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'NO_DAEMON') throw error;
    const { readStoredDays } = await import('../src/stored-days.ts');
    const stored = readStoredDays(root, config.upstreams[0].namespace, days[0] ?? '');
    if (stored !== undefined) return stored;
    throw new UserError('NO_STATS', `${root} has no statistics, and ${error.message}`, {
      value: root,
      hint: 'start `regcache serve` with this configuration, or name another one with --config',
      exitCode: 1,
      cause: error,
    });
  }
}

/**
 * The days from `since` to today, the oldest first.
 * @throws {UserError} USAGE
 */
function daysOf(since: string, nowMs: number): readonly string[] {
  const { count, unit } = /^(?<count>\d{1,4})(?<unit>[dw])$/.exec(since)?.groups ?? {};
  const fromMs = dayStartMs(since);
  const days =
    count === undefined
      ? Math.floor(nowMs / DAY_MS) - Math.floor(fromMs / DAY_MS) + 1
      : Number(count) * (unit === 'w' ? 7 : 1);
  if (!(days >= 1 && days <= MOST_DAYS)) {
    throw new UserError(
      'USAGE',
      `--since ${JSON.stringify(since)} names no days from 1 to ${MOST_DAYS} back`,
      {
        value: since,
        hint: 'write 7d, 4w or a day such as 2026-11-01',
      },
    );
  }
  return Array.from({ length: days }, (_, at) =>
    new Date(nowMs - (days - 1 - at) * DAY_MS).toISOString().slice(0, 10),
  );
}

/** NaN where it is no day: `Date.parse` alone takes the 30th of February for the 2nd of March. */
function dayStartMs(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || new Date(ms).toISOString().startsWith(text) ? ms : Number.NaN;
}
