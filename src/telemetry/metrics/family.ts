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

/** @param values for a histogram, as its `Buckets` give them; one number is that of a metric without labels */
export function family(
  type: Family['type'],
  name: string,
  help: string,
  values: readonly Sample[] | number,
): Family {
  const samples = typeof values === 'number' ? [{ labels: {}, value: values }] : values;
  return { name, help, type, aggregator: 'sum', values: samples };
}
