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

  /** The time in which half, and 95 of 100, of the last answers began, in milliseconds; undefined before the first. */
  get usual(): { readonly p50: number; readonly p95: number } | undefined {
    const sorted = this.#times.toSorted((one, other) => one - other);
    const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return sorted.length === 0 ? undefined : { p50: at(0.5), p95: at(0.95) };
  }

  /** The time in which 95 of 100 answers begin, in milliseconds; undefined while too few are known. */
  get p95(): number | undefined {
    if (this.#times.length < ENOUGH) return undefined;
    return this.usual?.p95;
  }
}
