import { setTimeout as sleep } from 'node:timers/promises';
import { heldBefore } from './held.ts';
import type { Habits } from './pull/habits.ts';
import { type ImageName, pullImage } from './pull/pull-image.ts';
import type { BenchSettings, PhaseKind, PullSample, ServerTraffic } from './result.ts';
import { toldTraffic } from './told-traffic.ts';
import { DIRECT, type Variant } from './variant.ts';
import type { Way, World } from './world.ts';

export interface RunOptions {
  readonly world: World;
  readonly settings: BenchSettings;
  readonly habits: Habits;
  /** As in `linux/amd64`. */
  readonly platform: string;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the run; what was measured until then is kept. */
  readonly signal: AbortSignal;
}

/** How far a run is; `done` of `total` steps. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly what: string;
}

/** All that was measured of one variant. */
export interface VariantSamples {
  readonly variant: Variant;
  problem: string | undefined;
  readonly pulls: (PullSample & { readonly asked: PhaseKind; readonly concurrency: number })[];
  traffic: readonly ServerTraffic[];
}

/** Caches make sure of what they have written after their clients have it. */
const SETTLE_MS = 250;
/** A variant that fails so often in a row is left alone. */
const PATIENCE = 2;

/**
 * Pulls through all variants in turn, round by round and in another order each, so that what else the machine or the
 * network does meets all of them alike.
 */
export async function runBench(options: RunOptions): Promise<readonly VariantSamples[]> {
  const run = new Run(options);
  try {
    await run.run();
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
  return run.finished();
}

class Run {
  readonly #options: RunOptions;
  readonly #samples: readonly VariantSamples[];
  readonly #failures = new Map<string, number>();
  readonly #before = new Map<string, readonly ServerTraffic[]>();
  readonly #total: number;
  #done = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    const { world, settings } = options;
    this.#samples = world.variants.map((variant) => {
      const way = world.way(variant);
      const problem = way.kind === 'closed' ? way.problem : undefined;
      return { variant, problem, pulls: [], traffic: [] };
    });
    this.#total = world.variants.length * settings.rounds * settings.concurrency.length;
  }

  async run(): Promise<void> {
    const { world, settings, signal } = this.#options;
    for (const samples of this.#samples) await this.#warmUp(samples);
    for (const concurrency of settings.concurrency) {
      for (let round = 1; round <= settings.rounds; round += 1) {
        const image = await world.image(round, concurrency);
        for (const samples of shuffled(this.#samples, settings.seed + round)) {
          signal.throwIfAborted();
          await this.#round(samples, image, round, concurrency);
          this.#done += 1;
        }
      }
    }
  }

  finished(): readonly VariantSamples[] {
    for (const samples of this.#samples) samples.traffic = this.#trafficOf(samples);
    return this.#samples;
  }

  async #warmUp(samples: VariantSamples): Promise<void> {
    const { world, signal } = this.#options;
    const way = world.way(samples.variant);
    if (way.kind === 'closed') return;
    this.#tell(`warming up ${samples.variant.name}`);
    try {
      await way.warmUp(signal);
    } catch (error) {
      signal.throwIfAborted();
      samples.problem = error instanceof Error ? error.message : String(error);
    }
    this.#before.set(samples.variant.name, way.traffic());
  }

  async #round(samples: VariantSamples, image: ImageName, round: number, concurrency: number): Promise<void> {
    const { world, settings, signal } = this.#options;
    const { variant } = samples;
    const way = world.way(variant);
    if (samples.problem !== undefined || way.kind === 'closed') return;
    const isDirect = variant.name === DIRECT.name;
    if (!isDirect) await world.beforeCold(variant, signal);
    const warm = Array.from({ length: settings.warmPulls }, () => 'warm' as const);
    const first = isDirect ? 'direct' : world.isFresh(variant, image) ? 'cold' : 'warm';
    const phases: PhaseKind[] = isDirect ? [first] : [first, ...warm];
    for (const asked of phases) {
      if (asked === 'warm') await sleep(SETTLE_MS, undefined, { signal });
      this.#tell(
        `${variant.name}: ${asked}, round ${round} of ${settings.rounds}${concurrency > 1 ? `, ${concurrency} clients` : ''}`,
      );
      const pulls = await Promise.all(
        Array.from({ length: concurrency }, async () => this.#pull(way, image, round, asked)),
      );
      samples.pulls.push(...pulls.map((pull) => ({ ...pull, asked, concurrency })));
      if (!this.#goesOn(samples, pulls)) return;
    }
  }

  /** Whether there is hope for the next pull. */
  #goesOn(samples: VariantSamples, pulls: readonly PullSample[]): boolean {
    const error = pulls.find((pull) => pull.error !== undefined)?.error;
    const { name } = samples.variant;
    const failures = error === undefined ? 0 : (this.#failures.get(name) ?? 0) + 1;
    this.#failures.set(name, failures);
    if (failures >= PATIENCE) samples.problem = error;
    return failures === 0;
  }

  async #pull(
    way: Extract<Way, { kind: 'open' }>,
    image: ImageName,
    round: number,
    asked: PhaseKind,
  ): Promise<PullSample> {
    const { habits, settings, platform, signal } = this.#options;
    const pulled = await pullImage({
      endpoint: way.endpoint,
      image,
      habits: { ...habits, parallelLayers: settings.parallelLayers },
      platform,
      signal,
    });
    return {
      round,
      image: `${image.repository}:${image.reference}`,
      held: heldBefore(pulled.requests, asked),
      ...pulled,
    };
  }

  /** Since the warming up. */
  #trafficOf({ variant, pulls }: VariantSamples): readonly ServerTraffic[] {
    const way = this.#options.world.way(variant);
    if (way.kind === 'closed') return [];
    if (this.#options.world.mode === 'live') return toldTraffic(pulls, variant.hops);
    const before = this.#before.get(variant.name) ?? [];
    return way.traffic().map(({ server, requests, bytes }, index) => ({
      server,
      requests: requests - (before[index]?.requests ?? 0),
      bytes: bytes - (before[index]?.bytes ?? 0),
    }));
  }

  #tell(what: string): void {
    this.#options.onProgress({ done: this.#done, total: this.#total, what });
  }
}

/** The same order for the same seed (Fisher and Yates, with mulberry32). */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const order = [...items];
  let state = Math.imul(seed, 0x9e3779b9);
  for (let last = order.length - 1; last > 0; last -= 1) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    const other = ((mixed ^ (mixed >>> 14)) >>> 0) % (last + 1);
    const [one, two] = [order[last], order[other]];
    if (one === undefined || two === undefined) continue;
    order[last] = two;
    order[other] = one;
  }
  return order;
}
