import type { Digest } from '../oci/digest.ts';

/** A digest that is being removed: nobody can hold it until this ends. */
export interface Exclusion {
  /** When the digest was last used since the exclusion began; `-Infinity` if it was not. */
  readonly usedAtMs: number;
  end(): void;
}

interface Removal extends Exclusion {
  usedAtMs: number;
  readonly ended: Promise<void>;
}

/**
 * Who uses a digest, and who removes it: many may hold it at a time, or one may exclude everybody else. A holder
 * waits for a removal that runs; a removal never waits, it is refused.
 */
export class DigestHolds {
  readonly #holders = new Map<Digest, number>();
  readonly #removals = new Map<Digest, Removal>();

  /**
   * Holds a digest; at once, unless it is being removed.
   * @returns what lets go of it; calling that again does nothing
   */
  async hold(digest: Digest): Promise<() => void> {
    for (let removal = this.#removals.get(digest); removal !== undefined;) {
      await removal.ended;
      removal = this.#removals.get(digest);
    }
    return this.holdNow(digest);
  }

  /**
   * Holds a digest that somebody holds already, or whose open file survives a removal.
   * @returns what lets go of it; calling that again does nothing
   */
  holdNow(digest: Digest): () => void {
    this.#holders.set(digest, (this.#holders.get(digest) ?? 0) + 1);
    let held = true;
    return () => {
      if (held) this.#release(digest);
      held = false;
    };
  }

  isHeld(digest: Digest): boolean {
    return this.#holders.has(digest);
  }

  /** How many digests are held. */
  get size(): number {
    return this.#holders.size;
  }

  /** Excludes everybody from a digest; undefined where somebody holds or removes it. */
  exclude(digest: Digest): Exclusion | undefined {
    if (this.#holders.has(digest) || this.#removals.has(digest)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const removal: Removal = {
      usedAtMs: -Infinity,
      ended: promise,
      end: () => {
        this.#removals.delete(digest);
        resolve();
      },
    };
    this.#removals.set(digest, removal);
    return removal;
  }

  /** Tells a removal that is still making up its mind that the digest was used. */
  noteUse(digest: Digest, atMs: number): void {
    const removal = this.#removals.get(digest);
    if (removal !== undefined) removal.usedAtMs = Math.max(removal.usedAtMs, atMs);
  }

  #release(digest: Digest): void {
    const holders = this.#holders.get(digest) ?? 0;
    if (holders > 1) this.#holders.set(digest, holders - 1);
    else this.#holders.delete(digest);
  }
}
