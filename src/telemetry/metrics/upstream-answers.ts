import type { UpstreamAnswerEvent } from '../event.ts';
import { Buckets } from './buckets.ts';
import { type Family, family } from './family.ts';
import type { KnownLabels } from './known-labels.ts';

/** From a round trip on this machine to the longest that is waited for an answer's head. */
export const WAIT_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60,
];

/** The answers of one hop in one lane. */
interface Answers {
  readonly labels: {
    readonly namespace: string;
    readonly upstream: string;
    readonly lane: UpstreamAnswerEvent['lane'];
  };
  readonly results: Map<UpstreamAnswerEvent['result'], number>;
  readonly seconds: Buckets;
}

/** Counts what hops answer and how long they take: once for each tag that is asked for again, so it has to cost little. */
export class UpstreamAnswers {
  readonly #labels: KnownLabels;
  readonly #answers = new Map<string, Answers>();

  constructor(labels: KnownLabels) {
    this.#labels = labels;
  }

  add({ namespace, upstream, lane, result, waitMs }: UpstreamAnswerEvent): void {
    const { results, seconds } = this.#of(namespace, upstream, lane);
    results.set(result, (results.get(result) ?? 0) + 1);
    seconds.add(waitMs / 1000);
  }

  families(): readonly Family[] {
    const all = [...this.#answers.values()];
    return [
      family(
        'counter',
        'regcache_upstream_answers_total',
        'What came of requests to a hop: answered, the origin’s no included, or the kind of its failure.',
        all.flatMap(({ labels, results }) =>
          Array.from(results, ([result, value]) => ({ labels: { ...labels, result }, value })),
        ),
      ),
      family(
        'histogram',
        WAIT,
        'Time from a request to a hop to the head of its answer, or to its failure.',
        all.flatMap(({ labels, seconds }) => seconds.samples(WAIT, labels)),
      ),
    ];
  }

  #of(namespace: string, upstream: string, lane: UpstreamAnswerEvent['lane']): Answers {
    const labels = {
      namespace: this.#labels.namespace(namespace),
      upstream: this.#labels.upstream(upstream),
      lane,
    };
    const key = `${labels.namespace} ${labels.upstream} ${lane}`;
    const answers = this.#answers.get(key) ?? {
      labels,
      results: new Map([['answered', 0]] as const),
      seconds: new Buckets(WAIT_SECONDS),
    };
    this.#answers.set(key, answers);
    return answers;
  }
}

const WAIT = 'regcache_upstream_wait_seconds';
