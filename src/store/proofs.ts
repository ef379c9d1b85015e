import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import { type MediaType, parseMediaType } from '../oci/media-type.ts';
import { type Repository, repositoryKey } from '../oci/namespace.ts';
import { errnoOf } from './errno.ts';
import type { ProofKind } from './index-request.ts';
import type { Layout } from './layout.ts';
import { writeFile } from './write-file.ts';

/** Digests whose proofs are kept in memory. */
const MAX_CACHED = 10_000;

/**
 * Which repositories are proven to contain which digests: Distribution's link files. Callers keep removals of a
 * digest apart from everything else that is done with it here.
 */
export class Proofs {
  readonly #layout: Layout;
  readonly #known = new LRUCache<Digest, Set<string>>({ max: MAX_CACHED });

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  async has(repository: Repository, digest: Digest, kind: ProofKind): Promise<boolean> {
    if (this.#known.get(digest)?.has(keyOf(repository, kind)) === true) return true;
    const link = await stat(this.#layout.proofLink(repository, digest, kind)).catch(unlessMissing);
    // After a power failure a link may be there and be empty: that proves nothing.
    if (link?.size !== digest.length) return false;
    this.#remember(repository, digest, kind);
    return true;
  }

  /** Writes a proof, for a manifest with the type that its upstream gave it. */
  async add(repository: Repository, digest: Digest, kind: ProofKind, mediaType?: MediaType): Promise<void> {
    if (kind === 'manifest' && mediaType !== undefined) {
      await this.#write(this.#layout.contentTypeFile(repository, digest), mediaType);
    }
    await this.#write(this.#layout.proofLink(repository, digest, kind), digest);
    this.#remember(repository, digest, kind);
  }

  /** The type that the upstream gave a manifest; undefined where it is not kept. */
  async mediaType(repository: Repository, digest: Digest): Promise<MediaType | undefined> {
    const file = this.#layout.contentTypeFile(repository, digest);
    const text = await readFile(file, 'utf8').catch(unlessMissing);
    return text === undefined ? undefined : parseMediaType(text);
  }

  async remove(repository: Repository, digest: Digest, kind: ProofKind): Promise<void> {
    this.#known.delete(digest);
    await rm(this.#layout.proofFolder(repository, digest, kind), { recursive: true, force: true });
  }

  #remember(repository: Repository, digest: Digest, kind: ProofKind): void {
    const known = this.#known.get(digest) ?? new Set();
    known.add(keyOf(repository, kind));
    this.#known.set(digest, known);
  }

  async #write(path: string, text: string): Promise<void> {
    await writeFile(this.#layout.tempFile(randomUUID()), path, text, 'name');
  }
}

function keyOf(repository: Repository, kind: ProofKind): string {
  return `${kind} ${repositoryKey(repository)}`;
}

function unlessMissing(error: unknown): undefined {
  const code = errnoOf(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
