import { parseDuration } from '../config/duration.ts';
import { UserError } from '../user-error.ts';
import { parseRate } from './embedded/link-figures.ts';
import type { BenchResult, Phase, Summary } from './result.ts';
import { nearestRank } from './statistics/summary.ts';
import { DIRECT } from './variant.ts';

const FORM =
  /^(?<variant>.+?)\.(?:(?<kind>cold|warm|direct)\.)?(?:(?<metric>manifest|firstbyte|image|throughput)\.)?(?<figure>p50|median|p95|p99|min|max|speedup|failures)\s*(?<operator><=|>=|<|>)\s*(?<bound>.+)$/;
const METRICS = { manifest: 'manifestMs', firstbyte: 'firstByteMs', image: 'imageMs' } as const;

/** A bound that a bench must keep. */
export interface Requirement {
  /** As the operator wrote it. */
  readonly text: string;
  readonly variant: string;
  readonly kind: Phase['kind'];
  readonly metric: keyof typeof METRICS | 'throughput';
  readonly figure: string;
  readonly operator: string;
  /** Milliseconds, bits a second, or a plain number. */
  readonly bound: number;
}

/** What came of a requirement. */
export interface Judgement {
  readonly requirement: Requirement;
  /** Undefined where nothing was measured: not kept then. */
  readonly actual: number | undefined;
  readonly isKept: boolean;
}

/**
 * Reads `china.warm.p95<2s`, `china.warm.firstbyte.median<100ms`, `china.cold.throughput.median>50mbit`,
 * `china.cold.speedup>1.5`, `china.warm.failures<1`.
 * @param variants those that are measured
 * @throws {UserError} USAGE
 */
export function parseRequirement(text: string, variants: readonly string[]): Requirement {
  const {
    variant = '',
    kind,
    metric = 'image',
    figure = '',
    operator = '',
    bound = '',
  } = FORM.exec(text.trim())?.groups ?? {};
  if (variant === '') throw wrong(text, 'it has not the form of a requirement');
  if (!variants.includes(variant))
    throw wrong(text, `${variant} is not among the variants ${variants.join(', ')}`);
  const chosen = variant === DIRECT.name ? 'direct' : kind;
  if (chosen === undefined || (chosen === 'direct') !== (variant === DIRECT.name)) {
    throw wrong(
      text,
      `${variant} is measured ${variant === DIRECT.name ? 'as direct alone' : 'cold and warm'}: name one of them`,
    );
  }
  if (figure === 'speedup' && variant === DIRECT.name)
    throw wrong(text, 'direct is what the others are compared with');
  return {
    text: text.trim(),
    variant,
    kind: chosen as Phase['kind'],
    metric: metric as Requirement['metric'],
    figure,
    operator,
    bound: readBound(text, bound, metric, figure),
  };
}

function readBound(text: string, bound: string, metric: string, figure: string): number {
  if (figure === 'speedup' || figure === 'failures') {
    const number = /^\d+(?:\.\d+)?$/.test(bound) ? Number(bound) : undefined;
    if (number === undefined) throw wrong(text, `${bound} is no plain number`);
    return number;
  }
  if (metric !== 'throughput' && /^\d+$/.test(bound))
    throw wrong(text, `\`${bound}\` needs a unit, such as ${bound}s`);
  const value = metric === 'throughput' ? parseRate(bound) : parseDuration(bound);
  if (!value.ok) throw wrong(text, value.problem);
  return value.value;
}

/** What was measured, against what is required. */
export function judge(requirement: Requirement, result: BenchResult): Judgement {
  const actual = measured(requirement, result);
  return { requirement, actual, isKept: actual !== undefined && keeps(actual, requirement) };
}

function keeps(actual: number, { operator, bound }: Requirement): boolean {
  switch (operator) {
    case '<':
      return actual < bound;
    case '<=':
      return actual <= bound;
    case '>':
      return actual > bound;
    default:
      return actual >= bound;
  }
}

function measured({ variant, kind, metric, figure }: Requirement, result: BenchResult): number | undefined {
  const phase = result.variants
    .find(({ name }) => name === variant)
    ?.phases.find((each) => each.kind === kind && each.concurrency === result.settings.concurrency[0]);
  if (phase === undefined) return undefined;
  if (figure === 'failures') return phase.pulls.filter(({ error }) => error !== undefined).length;
  if (figure === 'speedup') {
    return result.comparisons.find(
      (each) => each.variant === variant && each.kind === kind && each.against === DIRECT.name,
    )?.speedup;
  }
  const good = phase.pulls.filter(({ error }) => error === undefined);
  const values = good
    .map((pull) =>
      metric === 'throughput' ? (pull.bytes * 8) / (pull.imageMs / 1000) : pull[METRICS[metric]],
    )
    .toSorted((one, other) => one - other);
  if (values.length === 0) return undefined;
  return figureOf(figure, values, metric === 'image' ? phase.image : undefined);
}

/** Of few pulls, p95 and p99 are the slowest one: stricter than they need be, never laxer. */
function figureOf(
  figure: string,
  sorted: readonly number[],
  summary: Summary | undefined,
): number | undefined {
  switch (figure) {
    case 'min':
      return sorted[0];
    case 'max':
      return sorted.at(-1);
    case 'p95':
      return nearestRank(sorted, 0.95);
    case 'p99':
      return nearestRank(sorted, 0.99);
    default:
      return summary?.median ?? nearestRank(sorted, 0.5);
  }
}

function wrong(text: string, why: string): UserError {
  return new UserError('USAGE', `--require ${text}: ${why}`, {
    value: text,
    hint: 'write a variant, cold or warm, a figure (median, p95, p99, min, max, speedup, failures) and a bound, as in china.warm.p95<2s',
  });
}
