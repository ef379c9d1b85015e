import { suggest } from '../src/config/suggestion.ts';
import { UserError } from '../src/user-error.ts';
import type { Command, CommandGroup } from './command.ts';

/** Turns yargs' complaint about arguments into one that names the wrong word, and the one that was probably meant. */
export function usageError(
  message: string,
  args: readonly string[],
  commands: readonly (Command | CommandGroup)[],
): UserError {
  const [, words] = /^Unknown (?:argument|command)s?: (.+)$/.exec(message) ?? [];
  const [word] = words?.split(', ') ?? [];
  if (word === undefined) return new UserError('USAGE', message, { hint: HELP });
  const option = args.find((arg) => arg.startsWith('-') && arg.replace(/^-+/, '').split('=')[0] === word);
  const value = option?.split('=')[0] ?? word;
  const meant = suggest(value, option === undefined ? commandWords(commands) : optionWords(commands));
  return new UserError(
    'USAGE',
    `unknown ${option === undefined ? 'command or argument' : 'option'}: ${value}`,
    {
      value,
      hint: meant === undefined ? HELP : `did you mean ${meant}? See regcache --help`,
    },
  );
}

const HELP = 'see regcache --help';

function commandWords(commands: readonly (Command | CommandGroup)[]): string[] {
  return commands.flatMap((entry) =>
    'commands' in entry ? [entry.name, ...commandWords(entry.commands)] : [entry.usage.split(' ')[0] ?? ''],
  );
}

function optionWords(commands: readonly (Command | CommandGroup)[]): string[] {
  const own = commands.flatMap((entry) =>
    'commands' in entry ? optionWords(entry.commands) : Object.keys(entry.options).map((name) => `--${name}`),
  );
  return [...own, '--help', '--version'];
}
