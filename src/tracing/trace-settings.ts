import type { Environment } from './environment.ts';
import { type OtlpSettings, readOtlpSettings } from './otlp-settings.ts';

/** What the environment asks for (OpenTelemetry's specification, "Environment Variable Specification"). */
export interface TraceSettings {
  /** Undefined where spans only go to the console. */
  readonly otlp: OtlpSettings | undefined;
  readonly console: boolean;
  readonly propagators: ReadonlySet<Propagator>;
  readonly sampler: SamplerSettings;
  /** What all spans have in common: `service.name`, and whatever the operator adds. */
  readonly resource: Readonly<Record<string, string>>;
  readonly batch: BatchSettings;
}

export type Propagator = 'tracecontext' | 'baggage';

export interface SamplerSettings {
  /** The part of traces that are told, from 0 to 1. */
  readonly ratio: number;
  /** Whether a request that belongs to a trace already is told as that trace says. */
  readonly byParent: boolean;
}

/** How spans are gathered before they are sent. */
export interface BatchSettings {
  readonly maxQueueSize: number;
  readonly maxExportBatchSize: number;
  readonly scheduledDelayMillis: number;
  readonly exportTimeoutMillis: number;
}

const DEFAULT_SAMPLER = 'parentbased_always_on';

/** @returns undefined where the environment asks for no traces */
export async function readTraceSettings(env: Environment): Promise<TraceSettings | undefined> {
  const exporters = readExporters(env);
  const otlp = exporters.has('otlp') ? await readOtlpSettings(env) : undefined;
  const console = exporters.has('console');
  if (otlp === undefined && !console) return undefined;
  return {
    otlp,
    console,
    propagators: readPropagators(env),
    sampler: readSampler(env),
    resource: readResource(env),
    batch: readBatch(env),
  };
}

function readExporters(env: Environment): ReadonlySet<string> {
  if (env.first('OTEL_SDK_DISABLED')?.value.toLowerCase() === 'true') return new Set();
  const endpoint = env.first('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  const words = env.words('OTEL_TRACES_EXPORTER') ?? (endpoint === undefined ? [] : ['otlp']);
  return known(env, 'OTEL_TRACES_EXPORTER', words, ['otlp', 'console']);
}

function readPropagators(env: Environment): ReadonlySet<Propagator> {
  const words = env.words('OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage'];
  return known(env, 'OTEL_PROPAGATORS', words, ['tracecontext', 'baggage']);
}

/** Those of the words that are known; another one than `none` is told. */
function known<T extends string>(
  env: Environment,
  name: string,
  words: readonly string[],
  all: readonly T[],
): ReadonlySet<T> {
  for (const word of words) {
    if (word !== 'none' && !all.some((one) => one === word))
      env.warn(`${name} names ${word}, which is not known here; it knows ${all.join(', ')} and none`);
  }
  return new Set(all.filter((one) => words.includes(one)));
}

function readSampler(env: Environment): SamplerSettings {
  const { name, value } = env.first('OTEL_TRACES_SAMPLER') ?? { name: '', value: DEFAULT_SAMPLER };
  const byParent = value.startsWith('parentbased_');
  switch (value.replace('parentbased_', '')) {
    case 'always_on':
      return { byParent, ratio: 1 };
    case 'always_off':
      return { byParent, ratio: 0 };
    case 'traceidratio':
      return { byParent, ratio: readRatio(env) };
    default:
      env.warn(`${name} is ${value}, which is not known here; ${DEFAULT_SAMPLER} is used`);
      return { byParent: true, ratio: 1 };
  }
}

function readRatio(env: Environment): number {
  const argument = env.first('OTEL_TRACES_SAMPLER_ARG');
  if (argument === undefined) return 1;
  const ratio = Number(argument.value);
  if (ratio >= 0 && ratio <= 1) return ratio;
  env.warn(`${argument.name} is ${argument.value}, which is no number from 0 to 1; 1 is used`);
  return 1;
}

function readResource(env: Environment): Readonly<Record<string, string>> {
  const attributes = Object.fromEntries(env.pairs('OTEL_RESOURCE_ATTRIBUTES'));
  const service = env.first('OTEL_SERVICE_NAME')?.value;
  return { 'service.name': 'regcache', ...attributes, ...(service && { 'service.name': service }) };
}

function readBatch(env: Environment): BatchSettings {
  const maxQueueSize = env.count('OTEL_BSP_MAX_QUEUE_SIZE') ?? 2048;
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(env.count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? 512, maxQueueSize),
    scheduledDelayMillis: env.count('OTEL_BSP_SCHEDULE_DELAY') ?? 5_000,
    exportTimeoutMillis: env.count('OTEL_BSP_EXPORT_TIMEOUT') ?? 30_000,
  };
}
