/** Bytes `startBytes` up to, not including, `endBytes`. */
export interface Gap {
  readonly startBytes: number;
  readonly endBytes: number;
}

/** What of a blob nobody fetches yet, in order; never empty gaps, never touching ones. */
export class Gaps {
  #gaps: readonly Gap[] = [];

  get sizeBytes(): number {
    return this.#gaps.reduce((sum, { startBytes, endBytes }) => sum + endBytes - startBytes, 0);
  }

  /** Adds what is not fetched after all; it must not be in here already. */
  add(gap: Gap): void {
    if (gap.startBytes >= gap.endBytes) return;
    const sorted = [...this.#gaps, gap].toSorted((one, other) => one.startBytes - other.startBytes);
    const merged: Gap[] = [];
    for (const next of sorted) {
      const last = merged.at(-1);
      if (last?.endBytes === next.startBytes) {
        merged[merged.length - 1] = { startBytes: last.startBytes, endBytes: next.endBytes };
      } else merged.push(next);
    }
    this.#gaps = merged;
  }

  /**
   * Takes a window out: from the first of the positions that lies in a gap on, else from the first gap's start.
   * @param positions where readers wait
   * @returns undefined where nothing is left
   */
  take(windowBytes: number, positions: readonly number[]): Gap | undefined {
    const wanted = positions
      .map((position) => ({ position, gap: this.#gaps.find((gap) => contains(gap, position)) }))
      .find(({ gap }) => gap !== undefined);
    const gap = wanted?.gap ?? this.#gaps[0];
    if (gap === undefined) return undefined;
    const startBytes = wanted?.position ?? gap.startBytes;
    const restBytes = gap.endBytes - startBytes;
    // A rest that is not worth a request of its own comes with its window.
    const endBytes = restBytes < windowBytes * 1.5 ? gap.endBytes : startBytes + windowBytes;
    this.#gaps = this.#gaps.flatMap((each) => {
      if (each !== gap) return [each];
      const before = { startBytes: gap.startBytes, endBytes: startBytes };
      const after = { startBytes: endBytes, endBytes: gap.endBytes };
      return [before, after].filter((left) => left.startBytes < left.endBytes);
    });
    return { startBytes, endBytes };
  }
}

function contains({ startBytes, endBytes }: Gap, position: number): boolean {
  return position >= startBytes && position < endBytes;
}
