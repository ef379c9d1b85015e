/**
 * One run of a task for all who ask for it at the same time. The task never hangs on one asker's signal:
 * an asker that leaves stops waiting, and the run goes on for the others and to its end.
 */
export class SharedTask<T> {
  readonly #running = new Map<string, Promise<T>>();

  /**
   * Joins the run of `key`, or starts it.
   * @returns the result, and whether this call started the run
   * @throws what the task throws, or the signal's reason when this asker leaves
   */
  async run(
    key: string,
    signal: AbortSignal,
    task: () => Promise<T>,
  ): Promise<{ readonly value: T; readonly started: boolean }> {
    signal.throwIfAborted();
    let run = this.#running.get(key);
    const started = run === undefined;
    if (run === undefined) {
      run = task().finally(() => this.#running.delete(key));
      this.#running.set(key, run);
    }
    return { value: await orAbort(run, signal), started };
  }

  get size(): number {
    return this.#running.size;
  }
}

/**
 * Waits for a promise, or for the signal, whichever is first; the work behind the promise goes on.
 * @throws the signal's reason when it aborts
 */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, left]);
  } finally {
    signal.removeEventListener('abort', leave);
    // The work may fail after its asker has left: nobody is there to hear it.
    work.catch(() => undefined);
  }
}
