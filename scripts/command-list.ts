import { COMMANDS } from '../cmd/cli.ts';
import type { Command } from '../cmd/command.ts';

/** One command under its full name. */
export interface ListedCommand {
  /** `certs bundle` */
  readonly name: string;
  /** `certs bundle [sources..]` */
  readonly usage: string;
  readonly command: Command;
}

/** Every command, those of a group one after the other; `completion` is yargs' own. */
export function commandList(): readonly ListedCommand[] {
  return [
    ...COMMANDS.flatMap((entry) =>
      'commands' in entry
        ? entry.commands.map((command) => listed(command, `${entry.name} `))
        : [listed(entry, '')],
    ),
    listed(COMPLETION, ''),
  ];
}

function listed(command: Command, group: string): ListedCommand {
  const usage = `${group}${command.usage}`;
  return { name: usage.replace(/ [[<].*$/, ''), usage, command };
}

const COMPLETION: Command = {
  usage: 'completion',
  summary: 'print a completion script for bash or zsh',
  options: {},
  examples: [
    ['$0 completion > /etc/bash_completion.d/regcache', 'for every user of bash'],
    ['source <($0 completion)', 'for this shell'],
  ],
  run: () => Promise.reject(new Error('yargs does this')),
};

/** An option as the pages show it. */
export interface ListedOption {
  /** `--config`, `-c` */
  readonly names: readonly string[];
  /** Whether a value follows. */
  readonly takesValue: boolean;
  readonly meaning: string;
  readonly fallback: string | undefined;
  readonly isRequired: boolean;
}

/** The options of a command, in its own order. */
export function optionList({ options }: Command): readonly ListedOption[] {
  return Object.entries(options).map(
    ([name, { alias, type, describe, default: fallback, demandOption }]) => ({
      names: [`--${name}`, ...aliases(alias).map((short) => `${short.length === 1 ? '-' : '--'}${short}`)],
      takesValue: type !== 'boolean',
      meaning: describe ?? '',
      fallback: fallback === undefined || fallback === false ? undefined : String(fallback),
      isRequired: demandOption !== undefined && demandOption !== false,
    }),
  );
}

function aliases(alias: string | readonly string[] | undefined): readonly string[] {
  if (alias === undefined) return [];
  return typeof alias === 'string' ? [alias] : alias;
}
