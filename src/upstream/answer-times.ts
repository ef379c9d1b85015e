/** How many answers make up what is usual, and how many it takes before anything counts as usual. */
const REMEMBERED = 128;
const ENOUGH = 20;

/** How long a hop usually takes to begin its answers. */
export class AnswerTimes {
  readonly #times: number[] = [];
  #next = 0;

  add(milliseconds: number): void {
    this.#times[this.#next] = milliseconds;
    this.#next = (this.#next + 1) % REMEMBERED;
  }

  /** The time in which 95 of 100 answers begin, in milliseconds; undefined while too few are known. */
  get p95(): number | undefined {
    if (this.#times.length < ENOUGH) return undefined;
    const sorted = this.#times.toSorted((one, other) => one - other);
    return sorted[Math.ceil(sorted.length * 0.95) - 1];
  }
}
