/** One number of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it is not the family's own, as for the parts of a histogram. */
  readonly metricName?: string;
}

/** A metric with all its numbers, in the shape that prom-client prints. Numbers with the same labels are added up. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly Sample[];
}

export function counterFamily(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'counter', aggregator: 'sum', values };
}

/** @param values as a histogram’s `Buckets` give them */
export function histogramFamily(name: string, help: string, values: readonly Sample[]): Family {
  return { name, help, type: 'histogram', aggregator: 'sum', values };
}
