import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { IndexDb } from './index-db.ts';
import type { Layout } from './layout.ts';
import { type Finding, walkTree } from './walk-tree.ts';

/** Entries between two turns of the event loop, so that requests are answered meanwhile. */
const SLICE = 200;

/**
 * Brings an index into agreement with the tree, which is the truth: after a crash, or from nothing. Each slice is read
 * and recorded without a pause between, so that a change which comes meanwhile is always applied after it.
 * @returns whether it came to its end; false when it was stopped
 */
export async function reconcile(db: IndexDb, layout: Layout, isStopped: () => boolean): Promise<boolean> {
  let slice: Finding[] = [];
  for (const finding of walkTree(layout)) {
    slice.push(finding);
    if (slice.length < SLICE) continue;
    db.recover(slice);
    slice = [];
    await setImmediate();
    if (isStopped()) return false;
  }
  db.recover(slice);
  for (let last = ''; ;) {
    const digests = db.storedAfter(last, SLICE);
    for (const digest of digests) {
      if (!existsSync(layout.blobFile(digest))) db.markMissing(digest);
      last = digest;
    }
    if (digests.length === 0) return !isStopped();
    await setImmediate();
    if (isStopped()) return false;
  }
}
