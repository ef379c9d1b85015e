import { randomUUID } from 'node:crypto';
import type { Clock } from '../async/clock.ts';
import type { Namespace } from '../oci/namespace.ts';
import { UserError } from '../user-error.ts';
import { BlobIndex } from './blob-index.ts';
import { Layout } from './layout.ts';
import { clearLeftovers, prepareFolders, unwritable } from './prepare-folders.ts';
import { establishIdentity } from './store-identity.ts';
import { StoreLock } from './store-lock.ts';

export interface StoreDeps {
  readonly root: string;
  /** The namespace that names without one mean now; a store that exists keeps the one it was made with. */
  readonly plainNamespace: Namespace;
  readonly clock: Clock;
  /** Told when the index fails in the background; blobs are served all the same. */
  readonly onIndexFailure?: (error: Error) => void;
}

/** What an open store is made of. */
export interface StoreParts {
  readonly id: string;
  readonly layout: Layout;
  readonly lock: StoreLock;
  readonly index: BlobIndex;
  readonly clock: Clock;
}

/**
 * Makes the store's folders, takes its lock, removes what a dead process left, opens the index.
 * @throws {UserError} STORE_UNWRITABLE, STORE_IN_USE, STORE_UNREADABLE
 */
export async function openStoreParts(deps: StoreDeps): Promise<StoreParts> {
  const { root, plainNamespace, clock } = deps;
  const configured = new Layout(root, plainNamespace);
  await prepareFolders(configured, randomUUID());
  const lock = takeLock(configured);
  try {
    await clearLeftovers(configured);
    const identity = await establishIdentity(configured);
    const index = await BlobIndex.open({
      root,
      plainNamespace: identity.plainNamespace,
      clock,
      onFailure: deps.onIndexFailure ?? (() => undefined),
    });
    const layout = new Layout(root, identity.plainNamespace);
    return { id: identity.id, layout, lock, index, clock };
  } catch (error) {
    lock.release();
    throw error instanceof UserError ? error : unwritable(root, error);
  }
}

function takeLock(layout: Layout): StoreLock {
  try {
    return StoreLock.take(layout.lockFile, layout.root);
  } catch (error) {
    throw error instanceof UserError ? error : unwritable(layout.root, error);
  }
}
