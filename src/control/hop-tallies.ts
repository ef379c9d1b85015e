import type { Clock } from '../async/clock.ts';
import type { UpstreamAnswerEvent } from '../telemetry/event.ts';

const STEP_MS = 10_000;
/** Five minutes. */
const STEPS = 30;

interface HopTally {
  /** By stretch of time: its number, its answers, its failures; the oldest first. */
  steps: { readonly step: number; answers: number; failures: number }[];
  behind: readonly string[] | undefined;
}

/** What the hops answered in the last five minutes, and which hops they named behind them. */
export class HopTallies {
  readonly #clock: Clock;
  /** By namespace and hop: as many as are configured. */
  readonly #hops = new Map<string, HopTally>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note({ namespace, upstream, result, via }: UpstreamAnswerEvent): void {
    // Nobody was asked.
    if (result === 'avoided') return;
    const hop = this.#of(namespace, upstream);
    const step = Math.floor(this.#clock.monotonic() / STEP_MS);
    let last = hop.steps.at(-1);
    if (last?.step !== step) {
      last = { step, answers: 0, failures: 0 };
      hop.steps = [...hop.steps.filter((one) => one.step > step - STEPS), last];
    }
    last.answers += 1;
    if (result !== 'answered') last.failures += 1;
    // Whoever names nobody, an origin, says nothing of what is behind it.
    if (via !== undefined) hop.behind = hopsBehind(via);
  }

  read(
    namespace: string,
    upstream: string,
  ): {
    readonly requests: number;
    readonly failures: number;
    readonly behind: readonly string[] | undefined;
  } {
    const { steps, behind } = this.#hops.get(`${namespace} ${upstream}`) ?? { steps: [], behind: undefined };
    const oldest = Math.floor(this.#clock.monotonic() / STEP_MS) - STEPS;
    let requests = 0;
    let failures = 0;
    for (const one of steps) {
      if (one.step <= oldest) continue;
      requests += one.answers;
      failures += one.failures;
    }
    return { requests, failures, behind };
  }

  #of(namespace: string, upstream: string): HopTally {
    const key = `${namespace} ${upstream}`;
    let hop = this.#hops.get(key);
    if (hop === undefined) {
      hop = { steps: [], behind: undefined };
      this.#hops.set(key, hop);
    }
    return hop;
  }
}

/** The hops behind the one that answered, the nearest first: it names itself last (RFC 9110 section 7.6.3). */
function hopsBehind(via: string): readonly string[] {
  const names = via.split(',').map((entry) => entry.trim().split(' ')[1] ?? '');
  return names
    .slice(0, -1)
    .filter((name) => name !== '')
    .toReversed();
}
