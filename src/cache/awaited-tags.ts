import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';

const MOST = 4096;

/** A tag, and when the origin has said what it points at. */
export interface AwaitedTag {
  readonly tag: Tag;
  readonly checkedAtMs: number;
}

/**
 * Tags whose digest is known and whose manifest is not held yet: docker and containerd ask for a tag by HEAD, and for
 * what it points at by digest. A tag awaits one digest, the last that was named.
 */
export class AwaitedTags {
  readonly #digests = new LRUCache<string, { readonly digest: Digest; readonly checkedAtMs: number }>({
    max: MOST,
  });
  readonly #tags = new LRUCache<string, Set<Tag>>({ max: MOST });

  note(repository: Repository, { tag, checkedAtMs }: AwaitedTag, digest: Digest): void {
    this.#digests.set(tagKey(repository, tag), { digest, checkedAtMs });
    const tags = this.#tags.get(digestKey(repository, digest)) ?? new Set<Tag>();
    this.#tags.set(digestKey(repository, digest), tags.add(tag));
  }

  /** What a tag points at is held, or is another question by now. */
  forget(repository: Repository, tag: Tag): void {
    this.#digests.delete(tagKey(repository, tag));
  }

  /** The tags that have awaited this digest; they do no longer. */
  take(repository: Repository, digest: Digest): readonly AwaitedTag[] {
    const tags = this.#tags.get(digestKey(repository, digest)) ?? [];
    this.#tags.delete(digestKey(repository, digest));
    return [...tags].flatMap((tag) => {
      const awaited = this.#digests.get(tagKey(repository, tag));
      if (awaited?.digest !== digest) return [];
      this.forget(repository, tag);
      return [{ tag, checkedAtMs: awaited.checkedAtMs }];
    });
  }
}

function tagKey(repository: Repository, tag: Tag): string {
  return `${repositoryKey(repository)}:${tag}`;
}

function digestKey(repository: Repository, digest: Digest): string {
  return `${repositoryKey(repository)}@${digest}`;
}
