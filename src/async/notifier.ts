/** Wakes everybody who waits for something to change; what changed is theirs to look up. */
export class Notifier {
  #waiting = new Set<() => void>();

  /**
   * Waits for the next {@link notify}.
   * @throws the signal's reason when it aborts
   */
  async wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve: done } = Promise.withResolvers<void>();
    const resolve = (): void => done();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', resolve, { once: true });
    try {
      await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener('abort', resolve);
    }
    signal.throwIfAborted();
  }

  notify(): void {
    const woken = this.#waiting;
    this.#waiting = new Set();
    for (const wake of woken) wake();
  }
}
