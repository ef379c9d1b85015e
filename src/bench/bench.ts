import { compareVariants } from './compare-variants.ts';
import { phasesOf } from './phases.ts';
import { type BenchResult, RESULT_VERSION, type VariantResult } from './result.ts';
import { runBench, type RunOptions } from './run-bench.ts';
import { verdictOf } from './verdict.ts';

export interface BenchOptions extends RunOptions {
  /** This program's. */
  readonly version: string;
}

/** Runs all rounds and says what they show; an interrupted run says what is known. */
export async function bench(options: BenchOptions): Promise<BenchResult> {
  const { world, settings, signal, version } = options;
  const startedAt = new Date();
  const samples = await runBench(options);
  const variants = samples.map((each): VariantResult => {
    const { variant, problem, traffic } = each;
    const { phases, notes } = phasesOf(each);
    return { name: variant.name, hops: variant.hops, problem, notes, phases, traffic };
  });
  const comparisons = compareVariants(variants);
  return {
    version: RESULT_VERSION,
    regcache: version,
    mode: world.mode,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    interrupted: signal.aborted,
    settings,
    images: world.images,
    links: world.links,
    variants,
    comparisons,
    verdict: verdictOf(variants, comparisons),
  };
}
