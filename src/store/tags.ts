import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { type Digest, isDigest } from '../oci/digest.ts';
import { type Repository, repositoryKey } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';
import type { BlobIndex } from './blob-index.ts';
import { errnoOf } from './errno.ts';
import type { CheckedTag } from './index-request.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { Layout } from './layout.ts';
import { writeFile } from './write-file.ts';

const MAX_CACHED = 10_000;

/**
 * What each tag points to, and when that was last asked. The link on the disk says where it points; the time lies in the
 * index, and where that has lost it, the link's own time is an honest lower bound.
 */
export class Tags {
  readonly #layout: Layout;
  readonly #index: BlobIndex;
  readonly #known = new LRUCache<string, CheckedTag>({ max: MAX_CACHED });
  readonly #queue = new KeyedQueue();

  constructor(layout: Layout, index: BlobIndex) {
    this.#layout = layout;
    this.#index = index;
  }

  async read(repository: Repository, tag: Tag): Promise<CheckedTag | undefined> {
    const key = keyOf(repository, tag);
    return this.#known.get(key) ?? (await this.#queue.run(key, () => this.#read(repository, tag)));
  }

  /**
   * Points a tag at a digest. When it does so already, only the time of the check is noted, in memory and index.
   * @returns whether its link had to be written
   */
  async write(repository: Repository, tag: Tag, checked: CheckedTag): Promise<boolean> {
    const key = keyOf(repository, tag);
    return await this.#queue.run(key, async () => {
      const before = await this.#read(repository, tag);
      const moves = before?.digest !== checked.digest;
      if (moves) await this.#point(repository, tag, before?.digest, checked.digest);
      this.#known.set(key, checked);
      this.#index.record({ kind: 'tagged', repository, tag, ...checked });
      return moves;
    });
  }

  /** Removes a tag, if it still points at that digest. */
  async remove(repository: Repository, tag: Tag, digest: Digest): Promise<void> {
    const key = keyOf(repository, tag);
    await this.#queue.run(key, async () => {
      const current = await this.#readLink(repository, tag);
      if (current?.digest !== digest) return;
      this.#known.delete(key);
      await remove(this.#layout.tagFolder(repository, tag));
    });
  }

  async #read(repository: Repository, tag: Tag): Promise<CheckedTag | undefined> {
    const key = keyOf(repository, tag);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const link = await this.#readLink(repository, tag);
    if (link === undefined) return undefined;
    // Without an index (its failure is told elsewhere) the tag is still known.
    const checked = await this.#index.checkedTag(repository, tag).catch(() => undefined);
    const found = checked?.digest === link.digest ? checked : link;
    this.#known.set(key, found);
    return found;
  }

  async #readLink(repository: Repository, tag: Tag): Promise<CheckedTag | undefined> {
    try {
      await using handle = await open(this.#layout.tagLink(repository, tag), 'r');
      const { mtimeMs } = await handle.stat();
      const text = (await handle.readFile('utf8')).trim();
      return isDigest(text) ? { digest: text, checkedAtMs: Math.floor(mtimeMs) } : undefined;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** As Distribution does, but for the digests that a tag had before: those a cache does not keep. */
  async #point(repository: Repository, tag: Tag, before: Digest | undefined, digest: Digest): Promise<void> {
    await this.#writeLink(this.#layout.tagIndexLink(repository, tag, digest), digest);
    await this.#writeLink(this.#layout.tagLink(repository, tag), digest);
    if (before !== undefined) await remove(this.#layout.tagIndexFolder(repository, tag, before));
  }

  async #writeLink(path: string, digest: Digest): Promise<void> {
    await writeFile(this.#layout.tempFile(randomUUID()), path, digest, 'name');
  }
}

function keyOf(repository: Repository, tag: Tag): string {
  return `${repositoryKey(repository)}:${tag}`;
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
