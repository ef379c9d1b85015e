import type { BlobIndex } from './blob-index.ts';
import type { DayFigure } from './index-days.ts';
import type { ExpiryBasis, IndexSummary } from './index-request.ts';

/** What a store knows in figures: what is in it, and what its owner counts from day to day. */
export class StoreFigures {
  readonly #index: BlobIndex;

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  /** What is stored, and what of it is the oldest by its last use (or fetch). */
  async summary(by: ExpiryBasis, limit: number): Promise<IndexSummary> {
    return await this.#index.summary(by, limit);
  }

  /** Adds to a day's figures; they are written later, with others, and outlive the daemon. */
  count(figure: DayFigure): void {
    this.#index.record({ kind: 'counted', ...figure });
  }

  /** The figures of a day (`2026-11-25`) and all later ones, with everything that was counted so far. */
  async days(since: string): Promise<readonly DayFigure[]> {
    return await this.#index.days(since);
  }
}
