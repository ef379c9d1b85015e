/** Buffers for reads from disk, used again and again, under one budget for the whole process. */
export class BufferPool {
  readonly #free = new Map<number, Buffer[]>();
  readonly #budgetBytes: number;
  #takenBytes = 0;
  #freeBytes = 0;

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** A buffer of this size: always, for a reader's first one. */
  take(sizeBytes: number): Buffer {
    this.#takenBytes += sizeBytes;
    const free = this.#free.get(sizeBytes)?.pop();
    if (free === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
    this.#freeBytes -= sizeBytes;
    return free;
  }

  /** A buffer of this size while the budget allows it: for those who drain fast. */
  tryTake(sizeBytes: number): Buffer | undefined {
    return this.#takenBytes + sizeBytes > this.#budgetBytes ? undefined : this.take(sizeBytes);
  }

  /** Gives a buffer back that nothing reads or writes any more. */
  give(buffer: Buffer): void {
    this.#takenBytes -= buffer.length;
    if (this.#freeBytes + buffer.length > this.#budgetBytes / 4) return;
    this.#freeBytes += buffer.length;
    const free = this.#free.get(buffer.length);
    if (free === undefined) this.#free.set(buffer.length, [buffer]);
    else free.push(buffer);
  }

  /** Takes a buffer out of the count that may still be in the kernel's hands. */
  drop(buffer: Buffer): void {
    this.#takenBytes -= buffer.length;
  }
}
