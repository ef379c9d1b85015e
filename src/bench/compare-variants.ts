import type { Comparison, PhaseKind, VariantResult } from './result.ts';
import { comparePaired } from './statistics/paired.ts';
import { median } from './statistics/summary.ts';
import { DIRECT } from './variant.ts';

/** Less than this may be chance more often than once in twenty. */
export const SIGNIFICANT = 0.05;

/** Each variant against direct, and against each other one, kind by kind, round by round. */
export function compareVariants(variants: readonly VariantResult[]): readonly Comparison[] {
  const caching = variants.filter(({ name }) => name !== DIRECT.name);
  const direct = variants.find(({ name }) => name === DIRECT.name);
  return (['cold', 'warm'] as const).flatMap((kind) =>
    caching.flatMap((variant, index) => [
      ...(direct === undefined ? [] : compare(variant, kind, direct, 'direct')),
      ...caching.slice(0, index).flatMap((other) => compare(variant, kind, other, kind)),
    ]),
  );
}

function compare(
  variant: VariantResult,
  kind: PhaseKind,
  other: VariantResult,
  otherKind: PhaseKind,
): readonly Comparison[] {
  return variant.phases
    .filter((phase) => phase.kind === kind)
    .flatMap(({ concurrency }) => {
      const ours = byRound(variant, kind, concurrency);
      const theirs = byRound(other, otherKind, concurrency);
      const pairs = Array.from(ours, ([round, ms]) => [ms, theirs.get(round)] as const).filter(
        (pair): pair is [number, number] => pair[1] !== undefined,
      );
      if (pairs.length === 0) return [];
      const { ratio, low, high, p } = comparePaired(pairs);
      return [
        {
          variant: variant.name,
          kind,
          against: other.name,
          againstKind: otherKind,
          concurrency,
          speedup: ratio,
          low,
          high,
          p,
          isReal: p < SIGNIFICANT,
        },
      ];
    });
}

/** The median time for an image of each round. */
function byRound(
  { phases }: VariantResult,
  kind: PhaseKind,
  concurrency: number,
): ReadonlyMap<number, number> {
  const rounds = new Map<number, number[]>();
  for (const phase of phases) {
    if (phase.kind !== kind || phase.concurrency !== concurrency) continue;
    for (const { round, imageMs, error } of phase.pulls) {
      if (error === undefined) rounds.set(round, [...(rounds.get(round) ?? []), imageMs]);
    }
  }
  return new Map(Array.from(rounds, ([round, times]) => [round, median(times)]));
}
