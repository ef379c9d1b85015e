import { rmdir, unlink } from 'node:fs/promises';
import { type Digest } from '../oci/digest.ts';
import { repositoryKey } from '../oci/namespace.ts';
import type { BlobIndex } from './blob-index.ts';
import type { Exclusion } from './digest-holds.ts';
import { errnoOf } from './errno.ts';
import type { ExpiryBasis } from './index-request.ts';
import type { Layout } from './layout.ts';
import type { Proofs } from './proofs.ts';
import type { Tags } from './tags.ts';

/** When a digest may be removed: not used (or fetched) after the cutoff, milliseconds since the epoch. */
export interface RemovalCondition {
  readonly by: ExpiryBasis;
  readonly cutoffMs: number;
}

export interface RemovalResult {
  readonly removed: boolean;
  /** Bytes that were freed, once the last reader is gone. */
  readonly sizeBytes: number;
  /** In how many repositories the digest was proven. */
  readonly repositories: number;
}

/**
 * Removes a digest that nobody holds: what points to it first, its bytes then, its index row last, so that a crash
 * between leaves nothing that points nowhere and nothing that is never looked at again.
 */
export async function removeDigest(
  digest: Digest,
  condition: RemovalCondition,
  exclusion: Exclusion,
  parts: { layout: Layout; index: BlobIndex; proofs: Proofs; tags: Tags },
): Promise<RemovalResult> {
  const { layout, index, proofs, tags } = parts;
  const entry = await index.entry(digest);
  const { by, cutoffMs } = condition;
  if (entry === undefined || (by === 'used' ? entry.usedAtMs : entry.fetchedAtMs) > cutoffMs) return REFUSED;
  if (by === 'used' && exclusion.usedAtMs > cutoffMs) return REFUSED;
  for (const { repository, tag } of entry.tags) await tags.remove(repository, tag, digest);
  for (const { repository, kind } of entry.proofs) await proofs.remove(repository, digest, kind);
  await removeData(layout, digest);
  await index.forget(digest);
  const repositories = new Set(entry.proofs.map(({ repository }) => repositoryKey(repository)));
  return { removed: true, sizeBytes: entry.storedBytes, repositories: repositories.size };
}

/** The digest is held, was used, or is not known. */
export const REFUSED: RemovalResult = { removed: false, sizeBytes: 0, repositories: 0 };

async function removeData(layout: Layout, digest: Digest): Promise<void> {
  await unlink(layout.blobFile(digest)).catch(unlessMissing);
  // Whatever else lies in the folder is not ours to remove; a folder without data is no blob.
  await rmdir(layout.blobFolder(digest)).catch(() => undefined);
}

function unlessMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
