import yargs, { type Argv } from 'yargs';
import { benchCommand } from './bench.ts';
import { certsGroup } from './certs.ts';
import { clients } from './clients.ts';
import type { Command, CommandGroup, Terminal } from './command.ts';
import { configGroup } from './config.ts';
import { doctorCommand } from './doctor.ts';
import { EXIT } from './exit.ts';
import { serve } from './serve.ts';
import { statsCommand } from './stats.ts';
import { topCommand } from './top.ts';
import { usageError } from './usage-error.ts';
import { VERSION } from './version.ts';

const COMMANDS: readonly (Command | CommandGroup)[] = [
  serve,
  benchCommand,
  certsGroup,
  clients,
  configGroup,
  doctorCommand,
  statsCommand,
  topCommand,
];

/**
 * Parses the arguments and runs the command that they name.
 * @returns the exit code
 * @throws {UserError} for arguments that make no sense
 */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = EXIT.ok;
  const finish = (code: number): void => {
    exitCode = code;
  };
  const cli = yargs([...args])
    .scriptName('regcache')
    .usage('$0 <command>\n\nA caching OCI registry that chains.')
    .version(VERSION)
    .help()
    .alias({ help: 'h', version: 'V' })
    .strict()
    .demandCommand(1, 'name a command')
    .completion('completion', 'print a completion script for bash or zsh')
    .epilogue(
      'Exit codes: 0 all is well, 1 the work failed, 2 arguments, configuration or machine are wrong, 3 a required bound was not kept.',
    )
    .wrap(Math.min(110, terminal.out.columns ?? 110))
    .exitProcess(false)
    .fail((message: string | undefined, error: Error | undefined) => {
      if (error !== undefined && error.name !== 'YError') throw error;
      throw usageError(error?.message ?? message ?? 'the arguments are wrong', args, COMMANDS);
    });
  for (const command of COMMANDS) add(cli, command, terminal, finish);
  // With a callback, yargs hands over its own output (help, version, completion) instead of printing it.
  await cli.parseAsync([...args], {}, (_error, _args, output) => {
    if (output !== '') terminal.out.write(`${output}\n`);
  });
  return exitCode;
}

function add(
  cli: Argv,
  entry: Command | CommandGroup,
  terminal: Terminal,
  finish: (code: number) => void,
): void {
  if ('commands' in entry) {
    cli.command(entry.name, entry.summary, (group) => {
      for (const command of entry.commands) add(group, command, terminal, finish);
      return group.demandCommand(1, `name a command: regcache ${entry.name} <command>`);
    });
    return;
  }
  cli.command(
    entry.usage,
    entry.summary,
    (command) => {
      command.options(entry.options);
      for (const [example, meaning] of entry.examples) command.example(example, meaning);
      return command;
    },
    async (args) => finish(await entry.run(args, terminal)),
  );
}
