import type { Outcome } from '../telemetry/event.ts';

/** Changes when a program that reads results would read them wrongly. */
export const RESULT_VERSION = 1;

/** What a bench saw: what `--json` prints and `--save` keeps. Times are milliseconds, sizes bytes, rates bits a second. */
export interface BenchResult {
  readonly version: typeof RESULT_VERSION;
  readonly regcache: string;
  readonly mode: 'embedded' | 'live';
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** Whether it was ended before all rounds were done. */
  readonly interrupted: boolean;
  readonly settings: BenchSettings;
  readonly images: readonly ImageReport[];
  /** The simulated links; none in live mode. */
  readonly links: readonly LinkReport[];
  readonly variants: readonly VariantResult[];
  readonly comparisons: readonly Comparison[];
  readonly verdict: Verdict;
}

export interface BenchSettings {
  readonly client: string;
  readonly rounds: number;
  /** Warm pulls after each cold one. */
  readonly warmPulls: number;
  readonly concurrency: readonly number[];
  /** Layers that a client fetches at a time. */
  readonly parallelLayers: number;
  readonly seed: number;
}

export interface ImageReport {
  readonly reference: string;
  /** Of one platform, as pulled. */
  readonly layerBytes: readonly number[];
  readonly totalBytes: number;
  readonly platforms: number;
}

/** A simulated link: what was asked of it, and what it was seen to do. */
export interface LinkReport {
  /** As in `china-asia`; a stretch of several as `client-origin`. */
  readonly name: string;
  readonly roundTripMs: number;
  readonly rateBitsPerSecond: number;
  readonly lossRatio: number;
  readonly jitterMs: number;
  /** What one connection may carry. */
  readonly connectionBitsPerSecond: number;
  readonly measuredRoundTripMs: number;
  readonly measuredConnectionBitsPerSecond: number;
}

export interface VariantResult {
  readonly name: string;
  /** From the client outwards; none for `direct`. */
  readonly hops: readonly string[];
  /** Why it could not be measured, or no further. */
  readonly problem: string | undefined;
  /** What a reader should know, such as a hop that does not say what it holds. */
  readonly notes: readonly string[];
  readonly phases: readonly Phase[];
  /** What each server was asked for and sent, outermost first, the origin last; in live mode what the answers tell. */
  readonly traffic: readonly ServerTraffic[];
}

/** `direct` pulls are neither: nothing is kept on the way. */
export type PhaseKind = 'cold' | 'warm' | 'direct';

/** All pulls of one kind with so many clients at once. */
export interface Phase {
  readonly kind: PhaseKind;
  readonly concurrency: number;
  readonly pulls: readonly PullSample[];
  /** Pulls that ended with an error are in none of these. */
  readonly manifest: Summary | undefined;
  readonly firstByte: Summary | undefined;
  readonly image: Summary | undefined;
  /** Bytes of an image over its time, one client's. */
  readonly bitsPerSecond: Summary | undefined;
  /** What each hop did with blobs and manifests, outermost first. */
  readonly outcomes: readonly HopOutcomes[];
  /** Where the time went: medians over all requests of what each hop waited for the next one. */
  readonly waits: readonly HopWait[];
}

export interface HopOutcomes {
  readonly hop: string;
  readonly counts: Readonly<Partial<Record<Outcome | 'unknown', number>>>;
}

export interface HopWait {
  readonly hop: string;
  readonly medianMs: number;
  readonly requests: number;
}

/** One image pulled by one client. */
export interface PullSample {
  readonly round: number;
  readonly image: string;
  /** What the answers say was held before; `unknown` where no hop says anything. */
  readonly held: Held;
  readonly error: string | undefined;
  /** From the first request, to the platform's manifest, to the first layer's first byte, to the last byte checked. */
  readonly manifestMs: number;
  readonly firstByteMs: number;
  readonly imageMs: number;
  readonly bytes: number;
  readonly requests: readonly RequestSample[];
}

export type Held = 'nothing' | 'some' | 'all' | 'unknown';

/** One request of a pull, for a waterfall. */
export interface RequestSample {
  /** `ping`, `tag`, `manifest`, `config`, `layer 3`. */
  readonly what: string;
  /** Since the pull began. */
  readonly startMs: number;
  readonly firstByteMs: number;
  readonly endMs: number;
  readonly bytes: number;
  readonly newConnection: boolean;
  /** What each hop says it did, outermost first. */
  readonly hops: readonly HopAnswer[];
}

export interface HopAnswer {
  readonly hop: string;
  readonly outcome: Outcome | undefined;
  /** How long it waited for the next one's answer to begin. */
  readonly waitedMs: number | undefined;
}

export interface ServerTraffic {
  readonly server: string;
  readonly requests: number;
  readonly bytes: number;
}

/** Figures of one kind; the confidence interval is that of the median (binomial, at least 95 %), from six values on. */
export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly min: number;
  readonly max: number;
  readonly firstQuartile: number;
  readonly thirdQuartile: number;
  /** From twenty values on. */
  readonly p95: number | undefined;
  /** From a hundred values on. */
  readonly p99: number | undefined;
}

/** One variant against another, round by round. */
export interface Comparison {
  readonly variant: string;
  readonly kind: PhaseKind;
  readonly against: string;
  readonly againstKind: PhaseKind;
  readonly concurrency: number;
  /** How many times as fast: more than 1 is faster. */
  readonly speedup: number;
  /** At least 95 %, from six rounds on. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Wilcoxon's signed-rank test, exact, two-sided. */
  readonly p: number;
  /** Whether these rounds can show it. */
  readonly isReal: boolean;
}

export interface Verdict {
  /** A variant's name; undefined where these rounds show no difference. */
  readonly recommended: string | undefined;
  /** A sentence for each variant, then the recommendation. */
  readonly sentences: readonly string[];
}
