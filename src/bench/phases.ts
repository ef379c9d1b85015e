import type { HopOutcomes, HopWait, Phase, PhaseKind, PullSample } from './result.ts';
import type { VariantSamples } from './run-bench.ts';
import { median, summarize } from './statistics/summary.ts';

/** A variant's pulls by kind and number of clients, and what a reader must know of them. */
export interface Phased {
  readonly phases: readonly Phase[];
  readonly notes: readonly string[];
}

const KINDS: readonly PhaseKind[] = ['direct', 'cold', 'warm'];

/**
 * Tells cold pulls from warm ones by what the answers say was held, never by what was meant. Where they say nothing,
 * first pulls stand for cold ones, and a note says so.
 */
export function phasesOf({ variant, pulls }: VariantSamples): Phased {
  const notes: string[] = [];
  const sorted = pulls.map((pull) => ({ pull, kind: kindOf(pull) }));
  const odd = sorted.filter(({ kind }) => kind === undefined).length;
  if (odd > 0) {
    notes.push(
      `${odd} of ${pulls.length} pulls found the image in part and count neither as cold nor as warm`,
    );
  }
  const already = sorted.filter(({ pull, kind }) => pull.asked === 'cold' && kind === 'warm').length;
  if (already > 0)
    notes.push(`${already} pulls that were to be cold found the whole image and count as warm`);
  const forgot = sorted.filter(({ pull, kind }) => pull.asked === 'warm' && kind === 'cold').length;
  if (forgot > 0) notes.push(`${forgot} pulls that were to be warm found nothing and count as cold`);
  const silent = pulls.filter(
    ({ held, asked, error }) => error === undefined && asked !== 'direct' && held === 'unknown',
  ).length;
  if (silent > 0) {
    notes.push(
      `${variant.hops[0] ?? variant.name} sends no Cache-Status: what it held is unknown, cold stands for first pulls and warm for later ones`,
    );
  }
  const failed = pulls.filter(({ error }) => error !== undefined).length;
  if (failed > 0) notes.push(`${failed} of ${pulls.length} pulls failed`);
  const levels = [...new Set(pulls.map(({ concurrency }) => concurrency))];
  const phases = levels.flatMap((concurrency) =>
    KINDS.flatMap((kind) => {
      const own = sorted.filter(({ pull, kind: its }) => its === kind && pull.concurrency === concurrency);
      return own.length === 0
        ? []
        : [
            phaseOf(
              kind,
              concurrency,
              own.map(({ pull }) => pull),
            ),
          ];
    }),
  );
  return { phases, notes };
}

function kindOf({ asked, held, error }: VariantSamples['pulls'][number]): PhaseKind | undefined {
  if (asked === 'direct' || error !== undefined || held === 'unknown') return asked;
  if (held === 'some') return undefined;
  return held === 'all' ? 'warm' : 'cold';
}

function phaseOf(kind: PhaseKind, concurrency: number, all: VariantSamples['pulls']): Phase {
  const pulls = all.map(({ asked: _asked, concurrency: _concurrency, ...pull }): PullSample => pull);
  const good = pulls.filter(({ error }) => error === undefined);
  return {
    kind,
    concurrency,
    pulls,
    manifest: summarize(good.map(({ manifestMs }) => manifestMs)),
    firstByte: summarize(good.map(({ firstByteMs }) => firstByteMs)),
    image: summarize(good.map(({ imageMs }) => imageMs)),
    bitsPerSecond: summarize(good.map(({ bytes, imageMs }) => (bytes * 8) / (imageMs / 1000))),
    outcomes: outcomesOf(good),
    waits: waitsOf(good),
  };
}

function outcomesOf(pulls: readonly PullSample[]): readonly HopOutcomes[] {
  const counts = new Map<string, Record<string, number>>();
  for (const { hops } of pulls.flatMap(({ requests }) => requests)) {
    for (const { hop, outcome = 'unknown' } of hops) {
      const own = counts.get(hop) ?? {};
      own[outcome] = (own[outcome] ?? 0) + 1;
      counts.set(hop, own);
    }
  }
  return Array.from(counts, ([hop, own]) => ({ hop, counts: own }));
}

function waitsOf(pulls: readonly PullSample[]): readonly HopWait[] {
  const waits = new Map<string, number[]>();
  for (const { hops } of pulls.flatMap(({ requests }) => requests)) {
    for (const { hop, waitedMs } of hops) {
      if (waitedMs !== undefined) waits.set(hop, [...(waits.get(hop) ?? []), waitedMs]);
    }
  }
  return Array.from(waits, ([hop, all]) => ({ hop, medianMs: median(all), requests: all.length }));
}
