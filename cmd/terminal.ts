import { UserError } from '../src/user-error.ts';
import type { Terminal } from './command.ts';
import { EXIT } from './exit.ts';

/** The process's own terminal. */
export function processTerminal(): Terminal {
  const { env } = process;
  const colour = process.stderr.isTTY && (env['NO_COLOR'] ?? '') === '';
  return { out: process.stdout, err: process.stderr, env, colour };
}

/**
 * The one place where the command line turns errors into words: a user's mistake is told in its own words with the
 * way out; anything else is a fault of this program, and says so.
 * @returns the exit code
 */
export function reportError(error: unknown, terminal: Terminal): number {
  const red = terminal.colour ? ['\u001B[31m', '\u001B[39m'] : ['', ''];
  if (error instanceof UserError) {
    terminal.err.write(`${red[0]}regcache: ${error.message}${red[1]}\n`);
    if (error.hint !== undefined) terminal.err.write(`  ${error.hint}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err.write(
    `${red[0]}regcache: a fault of the program itself, please report it${red[1]}\n${what}\n`,
  );
  return EXIT.failed;
}
