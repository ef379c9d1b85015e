import type { Options } from 'yargs';
import { UserError } from '../src/user-error.ts';

/** Where a command reads from and writes to: `out` is its result, `err` is talk. */
export interface Terminal {
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether colours may be used on `err`: it is a terminal and NO_COLOR is not set. */
  readonly colour: boolean;
}

/** An exit code and what it means. */
export type ExitCode = readonly [code: number, meaning: string];

/** A command as data: what yargs shows of it, and what it does. */
export interface Command {
  /** As yargs writes it: `serve`, `config check`, `[optional]`. */
  readonly usage: string;
  readonly summary: string;
  /** What the words in the usage stand for: `sources` of `[sources..]`. */
  readonly operands?: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, Options>>;
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** Where they say more than every command's, or other things. */
  readonly exitCodes?: readonly ExitCode[];
  /** @returns the exit code */
  readonly run: (args: Readonly<Record<string, unknown>>, terminal: Terminal) => Promise<number>;
}

/** A group of commands under one word. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/**
 * The value of an option that yargs has checked to be a string.
 * @throws {UserError} USAGE where it was given more than once
 */
export function textOption(args: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = args[name];
  if (Array.isArray(value)) {
    throw new UserError('USAGE', `--${name} is given more than once`, {
      value: value.map(String).join(', '),
      hint: 'give it once',
    });
  }
  return typeof value === 'string' ? value : undefined;
}

/** The values of an option that may be repeated. */
export function listOption(args: Readonly<Record<string, unknown>>, name: string): readonly string[] {
  const value = args[name];
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' ? [value] : [];
}
