import type { Comparison, PhaseKind, VariantResult, Verdict } from './result.ts';
import { DIRECT } from './variant.ts';

const NOTHING = 'no difference that these rounds can show';
/** Even if all of fewer agree, it may be chance more often than once in twenty. */
const LEAST_ROUNDS = 6;

/** What these rounds say, and no more: every difference that is named has passed its test. */
export function verdictOf(variants: readonly VariantResult[], comparisons: readonly Comparison[]): Verdict {
  const concurrency = Math.min(...variants.flatMap(({ phases }) => phases.map((phase) => phase.concurrency)));
  const said = comparisons.filter((comparison) => comparison.concurrency === concurrency);
  const caching = variants.filter(({ name }) => name !== DIRECT.name);
  const measured = caching.filter(({ phases }) => phases.some(({ image }) => image !== undefined));
  const sentences = caching.map((variant) => sentenceOf(variant, variants, said));
  const direct = variants.find(({ name }) => name === DIRECT.name);
  if (direct?.problem !== undefined) sentences.unshift(`direct could not be measured: ${direct.problem}`);
  const best = measured.reduce<VariantResult | undefined>(
    (chosen, variant) => (chosen === undefined || isBetter(variant, chosen, said) ? variant : chosen),
    undefined,
  );
  const gains = best === undefined ? [] : gainsOf(best, said);
  if (best === undefined || gains.length === 0) {
    if (measured.length > 0 && direct?.problem === undefined) {
      sentences.push(
        `${NOTHING} in favour of any cache${roundsOf(measured) < LEAST_ROUNDS ? `: it takes at least ${LEAST_ROUNDS} rounds to show one` : ''}`,
      );
    }
    return { recommended: undefined, sentences };
  }
  const equals = measured
    .filter((other) => other !== best && isLevel(best, other, said))
    .map(({ name }) => name);
  const also = equals.length === 0 ? '' : `; between it and ${equals.join(', ')}, ${NOTHING}`;
  return { recommended: best.name, sentences: [...sentences, `recommended: ${best.name}${also}`] };
}

function sentenceOf(
  variant: VariantResult,
  variants: readonly VariantResult[],
  comparisons: readonly Comparison[],
): string {
  const { name, problem } = variant;
  const parts = (['cold', 'warm'] as const).flatMap((kind) => {
    const comparison = find(comparisons, name, kind, DIRECT.name);
    return comparison === undefined ? [] : [`${kind} ${speedOf(comparison)}`];
  });
  parts.push(...trafficOf(variant), ...levelOf(variant, variants, comparisons));
  if (problem !== undefined)
    parts.unshift(parts.length === 0 ? `could not be measured: ${problem}` : `failed: ${problem}`);
  return `${name}: ${parts.length === 0 ? 'was not measured' : parts.join('; ')}`;
}

function speedOf({ speedup, isReal, low, high, against }: Comparison): string {
  if (!isReal) return `no difference from ${against} that these rounds can show`;
  const bounds = low === undefined || high === undefined ? '' : ` (${times(low)} to ${times(high)})`;
  if (speedup >= 1) return `${times(speedup)} times as fast as ${against}${bounds}`;
  return `takes ${times(1 / speedup)} times as long as ${against}`;
}

/** How much less the origin sends than the clients get. */
function trafficOf({ traffic, phases }: VariantResult): readonly string[] {
  const sent = traffic.at(-1)?.bytes;
  const got = phases.flatMap(({ pulls }) => pulls).reduce((sum, { bytes }) => sum + bytes, 0);
  if (sent === undefined || got === 0) return [];
  const saved = 1 - sent / got;
  return saved >= 0.005
    ? [`saves ${Math.round(saved * 100)} % of the traffic to the origin`]
    : ['saves no traffic to the origin'];
}

/** What the last level adds to the same chain without it. */
function levelOf(
  { name, hops }: VariantResult,
  variants: readonly VariantResult[],
  comparisons: readonly Comparison[],
): readonly string[] {
  if (hops.length < 2) return [];
  const shorter = variants.find(
    (other) => other.name !== DIRECT.name && other.hops.join() === hops.slice(0, -1).join(),
  );
  if (shorter === undefined) return [];
  const parts = (['cold', 'warm'] as const).flatMap((kind) => {
    const comparison = find(comparisons, name, kind, shorter.name);
    if (comparison === undefined) return [];
    if (!comparison.isReal) return [`${NOTHING} ${kind}`];
    const percent = Math.round((1 / comparison.speedup - 1) * 100);
    return [percent >= 0 ? `costs ${percent} % ${kind}` : `gains ${-percent} % ${kind}`];
  });
  return parts.length === 0
    ? []
    : [`its level ${hops.length} (${hops.at(-1)}) beside ${shorter.name}: ${parts.join(', ')}`];
}

/** By warm pulls, which are most; then by cold ones; then the shorter chain. */
function isBetter(one: VariantResult, other: VariantResult, comparisons: readonly Comparison[]): boolean {
  for (const kind of ['warm', 'cold'] as const) {
    const speedup = realSpeedup(one, other, kind, comparisons);
    if (speedup !== 1) return speedup > 1;
  }
  return one.hops.length < other.hops.length;
}

function isLevel(one: VariantResult, other: VariantResult, comparisons: readonly Comparison[]): boolean {
  return (['warm', 'cold'] as const).every((kind) => realSpeedup(one, other, kind, comparisons) === 1);
}

/** 1 where these rounds show no difference. */
function realSpeedup(
  one: VariantResult,
  other: VariantResult,
  kind: PhaseKind,
  comparisons: readonly Comparison[],
): number {
  const straight = find(comparisons, one.name, kind, other.name);
  if (straight !== undefined) return straight.isReal ? straight.speedup : 1;
  const reverse = find(comparisons, other.name, kind, one.name);
  return reverse?.isReal === true ? 1 / reverse.speedup : 1;
}

/** In what it is faster than direct. */
function gainsOf({ name }: VariantResult, comparisons: readonly Comparison[]): readonly Comparison[] {
  return comparisons.filter(
    ({ variant, against, isReal, speedup }) =>
      variant === name && against === DIRECT.name && isReal && speedup > 1,
  );
}

function find(
  comparisons: readonly Comparison[],
  variant: string,
  kind: PhaseKind,
  against: string,
): Comparison | undefined {
  return comparisons.find(
    (each) => each.variant === variant && each.kind === kind && each.against === against,
  );
}

function roundsOf(variants: readonly VariantResult[]): number {
  const rounds = variants.flatMap(({ phases }) =>
    phases.flatMap(({ pulls }) => pulls.map(({ round }) => round)),
  );
  return new Set(rounds).size;
}

function times(value: number): string {
  return value.toFixed(value >= 9.95 ? 0 : 1);
}
