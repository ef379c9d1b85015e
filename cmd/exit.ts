import type { ExitCode } from './command.ts';

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The work failed. */
  failed: 1,
  /** The arguments, the configuration or the machine are wrong: nothing was begun. */
  usage: 2,
  /** A bound that was required was not kept. */
  requirement: 3,
  /** Ended by a signal before the work was done, as shells count it for SIGINT. */
  interrupted: 130,
} as const;

/** The same in words; a command may say more. */
export const EXIT_MEANINGS: readonly ExitCode[] = [
  [EXIT.ok, 'all is well'],
  [EXIT.failed, 'the work failed'],
  [EXIT.usage, 'arguments, configuration or machine are wrong'],
  [EXIT.requirement, 'a required bound was not kept'],
];
