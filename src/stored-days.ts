import { DatabaseSync } from 'node:sqlite';
import { tallyDays } from './control/day-counter.ts';
import type { DayTally } from './control/snapshot.ts';
import { readDays } from './store/index-days.ts';
import { Layout } from './store/layout.ts';
import type { Namespace } from './oci/namespace.ts';

/**
 * What a store's daemons have counted from a day (`2026-11-25`) on, read while none of them runs.
 * @returns undefined where the store has no index, or one of a version before days were counted
 */
export function readStoredDays(
  root: string,
  plainNamespace: Namespace,
  since: string,
): readonly DayTally[] | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(new Layout(root, plainNamespace).indexFile, { readOnly: true });
    return tallyDays(readDays(database, since));
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}
