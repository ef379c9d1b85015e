import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tallyDays } from './control/day-counter.ts';
import type { DayTally } from './control/snapshot.ts';
import { readDays } from './store/index-days.ts';
import { Layout } from './store/layout.ts';
import type { Namespace } from './oci/namespace.ts';
import { UserError } from './user-error.ts';

/**
 * What a store's daemons have counted from a day (`2026-11-25`) on, read while none of them runs.
 * @returns undefined where the store has no index, or one of a version before days were counted
 * @throws {UserError} STATS_UNREADABLE where it is damaged, or this user may not read it
 */
export function readStoredDays(
  root: string,
  plainNamespace: Namespace,
  since: string,
): readonly DayTally[] | undefined {
  const { indexFile } = new Layout(root, plainNamespace);
  if (!existsSync(indexFile)) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(indexFile, { readOnly: true });
    return tallyDays(readDays(database, since));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === 'no such table: days') return undefined;
    throw new UserError('STATS_UNREADABLE', `${indexFile} cannot be read: ${reason}`, {
      value: indexFile,
      hint: 'run it as the user that runs `regcache serve`; a damaged index is made anew when the daemon starts',
      exitCode: 1,
      cause: error,
    });
  } finally {
    database?.close();
  }
}
