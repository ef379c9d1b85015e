import type { Snapshot } from '../../src/control/snapshot.ts';
import { UserError } from '../../src/user-error.ts';
import type { Terminal } from '../command.ts';
import { EXIT } from '../exit.ts';
import type { Daemon } from './find-daemons.ts';
import { painter } from './paint.ts';
import { reportText } from './report.ts';
import { signsFor } from './signs.ts';

export interface PrintOptions {
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

const [WIDTH, MOST_WIDTH] = [100, 140];

/**
 * Prints how each daemon is doing: as text, or as one JSON document, which is the snapshot of the only one, or an
 * object with each one's under its name.
 * @returns the exit code: 1 where one of several could not be reached
 * @throws {UserError} where the only one could not be reached
 */
export async function printOnce(
  daemons: readonly [Daemon, ...Daemon[]],
  { out, err, env }: Terminal,
  { isJson, signal }: PrintOptions,
): Promise<number> {
  const asked = await Promise.allSettled(daemons.map(async (daemon) => await daemon.snapshot(signal)));
  if (signal.aborted) return EXIT.interrupted;
  const [first] = asked;
  if (asked.length === 1 && first?.status === 'rejected') throw first.reason;
  // By the names that were given: what daemons call themselves may be the same.
  const found: Record<string, Snapshot | null> = {};
  let code: number = EXIT.ok;
  for (const [index, answer] of asked.entries()) {
    const { name, place } = daemons[index] ?? daemons[0];
    if (answer.status === 'rejected' && !(answer.reason instanceof UserError)) throw answer.reason;
    found[name ?? place] = answer.status === 'fulfilled' ? answer.value : null;
    if (answer.status === 'fulfilled') continue;
    code = EXIT.failed;
    const { message, hint }: UserError = answer.reason;
    err.write(`regcache: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
  }
  if (isJson) {
    out.write(`${JSON.stringify(asked.length === 1 ? Object.values(found)[0] : found, undefined, 2)}\n`);
    return code;
  }
  const isColoured = out.isTTY && (env['NO_COLOR'] ?? '') === '';
  const width = out.isTTY ? Math.min(out.columns, MOST_WIDTH) : WIDTH;
  const options = { width, signs: signsFor(env), paint: painter(isColoured) };
  const reports = asked.flatMap((answer, index) =>
    answer.status === 'rejected'
      ? []
      : [reportText(daemons[index]?.name ?? answer.value.daemon.name, answer.value, options)],
  );
  out.write(reports.join('\n'));
  return code;
}
