import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import { MAX_MANIFEST_BYTES, readManifest } from '../oci/manifest.ts';
import { type MediaType, OCI_MANIFEST } from '../oci/media-type.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';
import type { Store } from '../store/store.ts';

export interface HeldManifest {
  readonly digest: Digest;
  readonly mediaType: MediaType;
  readonly sizeBytes: number;
  readonly bytes: Buffer;
}

const MEMORY_BYTES = 64 * 1024 * 1024;

interface Remembered {
  readonly bytes: Buffer;
  /** By repository that is proven to hold it: the exact type that its upstream gave. */
  readonly types: Map<string, MediaType>;
}

/** Manifests at rest, with a bounded memory in front. */
export class HeldManifests {
  readonly #store: Store;
  readonly #memory = new LRUCache<Digest, Remembered>({
    maxSize: MEMORY_BYTES,
    sizeCalculation: ({ bytes }) => bytes.length + 1024,
  });

  constructor(store: Store) {
    this.#store = store;
  }

  /** A manifest that this repository is proven to hold; undefined where it is not held. */
  async read(repository: Repository, digest: Digest): Promise<HeldManifest | undefined> {
    const key = repositoryKey(repository);
    const remembered = this.#memory.get(digest);
    const type = remembered?.types.get(key);
    if (remembered !== undefined && type !== undefined) return held(digest, type, remembered.bytes);
    if (!(await this.#store.isProven(repository, digest, 'manifest'))) return undefined;
    const bytes = remembered?.bytes ?? (await this.#store.readBlobWhole(digest, MAX_MANIFEST_BYTES));
    if (bytes === undefined) return undefined;
    const mediaType =
      (await this.#store.manifestType(repository, digest)) ?? readManifest(bytes)?.mediaType ?? OCI_MANIFEST;
    this.#remember(digest, key, mediaType, bytes);
    return held(digest, mediaType, bytes);
  }

  /** Stores a proven manifest for a repository; memory holds it though the store may fail. */
  async keep(repository: Repository, manifest: HeldManifest): Promise<void> {
    this.#remember(manifest.digest, repositoryKey(repository), manifest.mediaType, manifest.bytes);
    await this.#store.putManifest(repository, manifest.digest, manifest.bytes, manifest.mediaType);
  }

  /** Whether an image can be pulled from here alone: all its blobs, or one image of an index. */
  async isComplete(repository: Repository, manifest: HeldManifest): Promise<boolean> {
    const content = readManifest(manifest.bytes);
    if (content === undefined) return false;
    for (const blob of content.blobs) {
      if (blob.urls.length === 0 && !(await this.#canServe(repository, blob.digest))) return false;
    }
    if (content.manifests.length === 0) return true;
    for (const child of content.manifests) {
      const image = await this.read(repository, child.digest);
      if (image !== undefined && (await this.isComplete(repository, image))) return true;
    }
    return false;
  }

  /** A blob that is held but not proven is asked for upstream: no help while that is down. */
  async #canServe(repository: Repository, digest: Digest): Promise<boolean> {
    return (await this.#store.isProven(repository, digest, 'blob')) && (await this.#store.hasBlob(digest));
  }

  forget(digest: Digest): void {
    this.#memory.delete(digest);
  }

  #remember(digest: Digest, key: string, type: MediaType, bytes: Buffer): void {
    const remembered = this.#memory.get(digest);
    if (remembered === undefined) this.#memory.set(digest, { bytes, types: new Map([[key, type]]) });
    else remembered.types.set(key, type);
  }
}

function held(digest: Digest, mediaType: MediaType, bytes: Buffer): HeldManifest {
  return { digest, mediaType, sizeBytes: bytes.length, bytes };
}
