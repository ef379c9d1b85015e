import { UserError } from '../user-error.ts';

/** Where a daemon was looked for, and why none was found there. */
export function noDaemon(place: string, reason: string, cause?: unknown): UserError {
  return new UserError('NO_DAEMON', `no regcache answers on ${place} (${reason})`, {
    value: place,
    hint: 'is `regcache serve` running there?',
    exitCode: 1,
    ...(cause === undefined ? {} : { cause }),
  });
}
