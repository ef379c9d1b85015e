import { LRUCache } from 'lru-cache';
import type { Clock } from '../async/clock.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { readManifest } from '../oci/manifest.ts';
import { DOCKER_MANIFEST, OCI_MANIFEST } from '../oci/media-type.ts';
import { repositoryKey, type Repository } from '../oci/namespace.ts';

/** How long after a GET of its manifest an image counts as being pulled. */
const RECENT_MS = 10 * 60_000;
/** How long after its start an image is not started again. */
const PAUSE_MS = 60_000;
/** More than any image has; what names more is not one. */
const MAX_BLOBS = 1_000;
/** Blobs of all images together. */
const REMEMBERED_BLOBS = 20_000;

export type ImageBlob = Pick<Descriptor, 'digest' | 'sizeBytes'>;

interface Image {
  /** Config and layers, in this order, each once; none of those that lie elsewhere. Empty for what is no image. */
  readonly blobs: readonly ImageBlob[];
  /** The image is found by these. */
  readonly layerKeys: readonly string[];
  askedAtMs: number;
  startedAtMs: number;
}

/** The images whose manifests clients have asked for lately, found by their layers; in memory, and bounded. */
export class RecentImages {
  readonly #clock: Clock;
  readonly #byLayer = new Map<string, Set<Image>>();
  readonly #images = new LRUCache<string, Image>({
    maxSize: REMEMBERED_BLOBS,
    sizeCalculation: ({ blobs }) => 1 + blobs.length,
    dispose: (image) => this.#forget(image),
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a client was given a manifest; its bytes are read only where it is not remembered. */
  remember(repository: Repository, digest: Digest, bytes: Buffer): void {
    const key = keyOf(repository, digest);
    const known = this.#images.get(key);
    if (known !== undefined) {
      known.askedAtMs = this.#clock.monotonic();
      return;
    }
    const image = {
      ...readImage(repository, bytes),
      askedAtMs: this.#clock.monotonic(),
      startedAtMs: -Infinity,
    };
    this.#images.set(key, image);
    for (const layerKey of image.layerKeys) {
      const others = this.#byLayer.get(layerKey);
      if (others === undefined) this.#byLayer.set(layerKey, new Set([image]));
      else others.add(image);
    }
  }

  /**
   * Starts the images of a repository that have this layer, are being pulled, and were not started a moment ago.
   * @returns their blobs, this layer among them
   */
  start(repository: Repository, layer: Digest): readonly ImageBlob[] {
    const images = this.#byLayer.get(keyOf(repository, layer));
    if (images === undefined) return [];
    const nowMs = this.#clock.monotonic();
    const blobs: ImageBlob[] = [];
    for (const image of images) {
      if (nowMs - image.askedAtMs > RECENT_MS || nowMs - image.startedAtMs < PAUSE_MS) continue;
      image.startedAtMs = nowMs;
      blobs.push(...image.blobs);
    }
    return blobs;
  }

  #forget(image: Image): void {
    for (const layerKey of image.layerKeys) {
      const images = this.#byLayer.get(layerKey);
      images?.delete(image);
      if (images?.size === 0) this.#byLayer.delete(layerKey);
    }
  }
}

/** Only an image's manifest has a config, and has it first (image-spec, manifest.md): the rest are its layers. */
function readImage(repository: Repository, bytes: Buffer): Pick<Image, 'blobs' | 'layerKeys'> {
  const manifest = readManifest(bytes);
  const isImage = manifest?.mediaType === OCI_MANIFEST || manifest?.mediaType === DOCKER_MANIFEST;
  if (!isImage || manifest.blobs.length > MAX_BLOBS) return { blobs: [], layerKeys: [] };
  const here = manifest.blobs.filter(({ urls }) => urls.length === 0);
  const blobs = new Map(here.map(({ digest, sizeBytes }) => [digest, { digest, sizeBytes }]));
  const [config, ...layers] = manifest.blobs;
  const layerDigests = new Set(layers.map(({ digest }) => digest));
  if (config !== undefined) layerDigests.delete(config.digest);
  return {
    blobs: [...blobs.values()],
    layerKeys: Array.from(layerDigests, (digest) => keyOf(repository, digest)),
  };
}

function keyOf(repository: Repository, digest: Digest): string {
  return `${repositoryKey(repository)}@${digest}`;
}
