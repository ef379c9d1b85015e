import { close, fstat, fsync, open, read, type Stats, writev } from 'node:fs';

/**
 * A file descriptor with several users, closed when the last of them has let go and no call is in flight: a number
 * that is closed too early may already be another file.
 */
export class OpenFile {
  readonly #descriptor: number;
  #users = 1;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The caller is its first user. */
  static async open(path: string, flags: 'r' | 'wx+'): Promise<OpenFile> {
    const descriptor = await new Promise<number>((resolve, reject) => {
      open(path, flags, (error, result) => (error === null ? resolve(result) : reject(error)));
    });
    return new OpenFile(descriptor);
  }

  get isOpen(): boolean {
    return this.#users > 0;
  }

  /** Adds a user, who must call {@link release} once. */
  retain(): void {
    if (this.#users === 0) throw new Error('the file is closed');
    this.#users += 1;
  }

  /** Lets go; the last user's call closes. */
  async release(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    await new Promise<void>((resolve, reject) => {
      close(this.#descriptor, (error) => settle(error, resolve, reject));
    });
  }

  async stat(): Promise<Stats> {
    return await this.#use<Stats>((resolve, reject) => {
      fstat(this.#descriptor, (error, stats) => (error === null ? resolve(stats) : reject(error)));
    });
  }

  /** @returns the number of bytes read: short at the end of the file, 0 beyond it */
  async read(into: Buffer, position: number): Promise<number> {
    return await this.#use<number>((resolve, reject) => {
      read(this.#descriptor, into, 0, into.length, position, (error, length) =>
        error === null ? resolve(length) : reject(error),
      );
    });
  }

  /** @returns the number of bytes written, which may be fewer than given */
  async writev(pieces: readonly Buffer[], position: number): Promise<number> {
    return await this.#use<number>((resolve, reject) => {
      writev(this.#descriptor, pieces, position, (error, length) =>
        error === null ? resolve(length) : reject(error),
      );
    });
  }

  async sync(): Promise<void> {
    await this.#use<void>((resolve, reject) => {
      fsync(this.#descriptor, (error) => settle(error, resolve, reject));
    });
  }

  async #use<T>(call: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    this.retain();
    try {
      return await new Promise<T>(call);
    } finally {
      await this.release();
    }
  }
}

function settle(error: Error | null | undefined, resolve: () => void, reject: (error: Error) => void): void {
  if (error === null || error === undefined) resolve();
  else reject(error);
}
