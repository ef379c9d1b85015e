import type { Sample } from './family.ts';

/** Values counted by size, and their sum: a histogram's numbers, without what a label set costs at each of them. */
export class Buckets {
  readonly #bounds: readonly number[];
  /** How many were above the bound before and at most this one; one more for those above all. */
  readonly #counts: Float64Array;
  #sum = 0;

  /** @param bounds upper bounds, rising */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    let at = 0;
    while (value > (this.#bounds[at] ?? Infinity)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get sum(): number {
    return this.#sum;
  }

  /** Takes over what another one of the same bounds has counted. */
  addAll(other: Buckets): void {
    for (const [at, count] of other.#counts.entries()) this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#sum += other.#sum;
  }

  /**
   * The numbers as Prometheus wants them.
   * @param bounds which of the bounds to tell; each has to be one of its own
   */
  samples(
    name: string,
    labels: Readonly<Record<string, string>>,
    bounds: readonly number[] = this.#bounds,
  ): readonly Sample[] {
    const told = new Set(bounds);
    const samples: Sample[] = [];
    let count = 0;
    for (const [at, bound] of this.#bounds.entries()) {
      count += this.#counts[at] ?? 0;
      if (!told.has(bound)) continue;
      samples.push({ metricName: `${name}_bucket`, labels: { le: String(bound), ...labels }, value: count });
    }
    const all = this.count;
    samples.push(
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: all },
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: all },
    );
    return samples;
  }
}
