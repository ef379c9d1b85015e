import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * What the convention for metric names forbids (gauges called `_total`), and the delays of the event loop, which
 * `regcache_event_loop_delay_seconds` tells with the time between samples taken out.
 */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
    (part) => `nodejs_eventloop_lag_${part}_seconds`,
  ),
];
/** prom-client samples the delays all the same; as often as it likes to, that takes half a percent of a core. */
const SAMPLED_EACH_MS = 1_000;

/** Adds the metrics of the process that every program has, by their usual names. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: SAMPLED_EACH_MS });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
}
