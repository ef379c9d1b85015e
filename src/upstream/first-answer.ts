/** A question that is under way, and what ends it. */
export interface Running<T> {
  readonly answer: Promise<T>;
  readonly ending: AbortController;
}

/**
 * The first answer of several; the others are given up.
 * @throws the first one's failure, where all have failed
 */
export async function firstAnswer<T extends { readonly kind: string }>(
  running: readonly Running<T>[],
): Promise<T> {
  const named = running.map(async (run) => ({ run, answer: await run.answer }));
  try {
    const winner = await Promise.any(named);
    for (const run of running) {
      if (run === winner.run) continue;
      run.ending.abort(new Error('another hop was faster'));
      run.answer.then(giveUp, () => undefined);
    }
    return winner.answer;
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  }
}

/** A blob's answer holds a connection until its body is dropped. */
function giveUp(answer: { readonly kind: string; readonly body?: { abort(reason: Error): void } }): void {
  answer.body?.abort(new Error('another hop was faster'));
}
