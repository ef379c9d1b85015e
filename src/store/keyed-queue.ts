/** Runs the tasks of one key one after another, in the order they were given; other keys do not wait. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise: tail, resolve: done } = Promise.withResolvers<void>();
    this.#tails.set(key, tail);
    try {
      await before;
      return await task();
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
      done();
    }
  }

  /** How many keys have a task that has not ended. */
  get size(): number {
    return this.#tails.size;
  }
}
