import { UserError } from '../user-error.ts';
import { SIGNIFICANT } from './compare-variants.ts';
import { type BenchResult, type Phase, RESULT_VERSION } from './result.ts';
import { compareIndependent } from './statistics/independent.ts';

/** How a variant's time for an image has changed since an earlier run. */
export interface Change {
  readonly variant: string;
  readonly kind: Phase['kind'];
  readonly concurrency: number;
  readonly beforeMs: number;
  readonly nowMs: number;
  /** How many times as fast as before: less than 1 is slower. */
  readonly speedup: number;
  /** Of the test of Mann and Whitney, two-sided. */
  readonly p: number;
  readonly isReal: boolean;
}

export interface RunComparison {
  readonly changes: readonly Change[];
  /** What makes the two runs less than comparable. */
  readonly warnings: readonly string[];
}

/** Compares with an earlier run, for each variant, kind and number of clients that both have. */
export function compareRuns(before: BenchResult, now: BenchResult): RunComparison {
  const changes = now.variants.flatMap(({ name, phases }) => {
    const old = before.variants.find((variant) => variant.name === name);
    return phases.flatMap((phase) => {
      const match = old?.phases.find(
        ({ kind, concurrency }) => kind === phase.kind && concurrency === phase.concurrency,
      );
      const [ours, theirs] = [timesOf(phase), match === undefined ? [] : timesOf(match)];
      if (ours.length === 0 || theirs.length === 0) return [];
      const { ratio, p } = compareIndependent(ours, theirs);
      const { kind, concurrency } = phase;
      const beforeMs = match?.image?.median ?? 0;
      const nowMs = phase.image?.median ?? 0;
      return [
        { variant: name, kind, concurrency, beforeMs, nowMs, speedup: ratio, p, isReal: p < SIGNIFICANT },
      ];
    });
  });
  return { changes, warnings: differences(before, now) };
}

function timesOf({ pulls }: Phase): readonly number[] {
  return pulls
    .filter(({ error, imageMs }) => error === undefined && imageMs > 0)
    .map(({ imageMs }) => imageMs);
}

function differences(before: BenchResult, now: BenchResult): readonly string[] {
  const pairs = [
    ['mode', before.mode, now.mode],
    ['client', before.settings.client, now.settings.client],
    ['parallel layers', before.settings.parallelLayers, now.settings.parallelLayers],
    ['images', shapeOf(before), shapeOf(now)],
    ['links', linksOf(before), linksOf(now)],
  ] as const;
  return pairs
    .filter(([, one, other]) => one !== other)
    .map(([what, one, other]) => `the runs differ in ${what}: ${one} then, ${other} now`);
}

function shapeOf({ images }: BenchResult): string {
  return images
    .map(({ layerBytes, totalBytes }) => `${layerBytes.length} layers of ${totalBytes} bytes`)
    .join(', ');
}

function linksOf({ links }: BenchResult): string {
  return links
    .map(
      ({ name, roundTripMs, rateBitsPerSecond, lossRatio }) =>
        `${name} ${roundTripMs} ms ${rateBitsPerSecond} bit/s ${lossRatio}`,
    )
    .join(', ');
}

/**
 * Reads what `--save` has written.
 * @throws {UserError} RESULT_INVALID
 */
export function readResult(text: string, file: string): BenchResult {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(file, 'it is no JSON', error);
  }
  const result = json as Partial<BenchResult> | null;
  if (typeof result !== 'object' || result === null || !Array.isArray(result.variants)) {
    throw invalid(file, 'it holds no result of a bench');
  }
  if (result.version !== RESULT_VERSION) {
    throw invalid(file, `its version is ${String(result.version)}, this program reads ${RESULT_VERSION}`);
  }
  return result as BenchResult;
}

function invalid(file: string, why: string, cause?: unknown): UserError {
  return new UserError('RESULT_INVALID', `${file}: ${why}`, {
    value: file,
    hint: 'name a file that `regcache bench --save FILE` has written',
    cause,
  });
}
