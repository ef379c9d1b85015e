import yargs, { type Argv, type FallbackCompletionFunction } from 'yargs';
import { benchCommand } from './bench.ts';
import { certsGroup } from './certs.ts';
import { clients } from './clients.ts';
import type { Command, CommandGroup, ExitCode, Terminal } from './command.ts';
import { configGroup } from './config.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT, EXIT_MEANINGS } from './exit.ts';
import { healthCommand } from './health.ts';
import { serve } from './serve.ts';
import { statsCommand } from './stats.ts';
import { topCommand } from './top.ts';
import { usageError } from './usage-error.ts';
import { VERSION, versionDetails } from './version.ts';

/** All commands, as data: help, completion, the manual page and docs/cli.md are made of it. */
export const COMMANDS: readonly (Command | CommandGroup)[] = [
  serve,
  benchCommand,
  certsGroup,
  clients,
  configGroup,
  doctorCommand,
  statsCommand,
  healthCommand,
  topCommand,
];

/** Runs the command that was named. @returns the exit code */
export type RunCommand = (
  command: Command,
  args: Readonly<Record<string, unknown>>,
  terminal: Terminal,
) => Promise<number>;

/**
 * Parses the arguments and runs the command that they name.
 * @param run what is done with it, if not what the command itself says
 * @returns the exit code
 * @throws {UserError} for arguments that make no sense
 */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  run: RunCommand = async (command, given) => await command.run(given, terminal),
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const finish = async (command: Command, given: Readonly<Record<string, unknown>>): Promise<void> => {
    exitCode = await run(command, given, terminal);
  };
  const cli = yargs([...args])
    .scriptName('regcache')
    .usage('$0 <command>\n\nA caching OCI registry that chains.')
    .version(args.includes('--json') ? JSON.stringify(versionDetails()) : VERSION)
    .detectLocale(false)
    .help()
    .alias({ help: 'h', version: 'V' })
    .strict()
    .demandCommand(1, 'name a command')
    .completion('completion', 'print a completion script for bash or zsh', completeWords)
    .epilogue(exitCodesText(EXIT_MEANINGS))
    .wrap(Math.min(110, terminal.out.columns ?? 110))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      throw usageError(error?.message ?? message ?? 'the arguments are wrong', args, COMMANDS);
    });
  for (const command of COMMANDS) add(cli, command, finish);
  // With a callback, yargs hands over its own output (help, version, completion) instead of printing it.
  await cli.parseAsync([...args], {}, (_error, _args, output) => {
    if (output !== '') terminal.out.write(`${output}\n`);
  });
  return exitCode;
}

function add(
  cli: Argv,
  entry: Command | CommandGroup,
  finish: (command: Command, given: Readonly<Record<string, unknown>>) => Promise<void>,
): void {
  if ('commands' in entry) {
    cli.command(entry.name, entry.summary, (group) => {
      for (const command of entry.commands) add(group, command, finish);
      return group.demandCommand(1, `name a command: regcache ${entry.name} <command>`);
    });
    return;
  }
  cli.command(
    entry.usage,
    entry.summary,
    (command) => {
      command.options(entry.options);
      for (const [name, describe] of Object.entries(entry.operands ?? {})) {
        command.positional(name, { type: 'string', describe });
      }
      for (const [example, meaning] of entry.examples) command.example(example, meaning);
      return entry.exitCodes === undefined ? command : command.epilogue(exitCodesText(entry.exitCodes));
    },
    async (args) => await finish(entry, args),
  );
}

/** What yargs completes, without `--c` beside `--config`. */
const completeWords: FallbackCompletionFunction = (_current, _args, complete, done) => {
  complete((_error, words = []) => done(words.filter((word) => !/^--.(?::|$)/.test(word))));
};

function exitCodesText(codes: readonly ExitCode[]): string {
  return `Exit codes: ${codes.map(([code, meaning]) => `${code} ${meaning}`).join(', ')}.`;
}
