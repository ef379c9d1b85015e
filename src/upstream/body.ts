import type { Dispatcher } from 'undici';
import { UpstreamError } from './error.ts';

/** Takes a piece of a body; a promise asks for a pause until it resolves. */
export type ByteSink = (chunk: Buffer) => Promise<void> | undefined;

/**
 * A response's body, paused until somebody consumes it. Whoever holds it must consume, read or discard it:
 * its connection is taken until then. What arrives all the same while it is paused (the last bytes before a
 * closed connection do) is kept until the sink is ready.
 */
export class ResponseBody {
  readonly #controller: Dispatcher.DispatchController;
  readonly #throttle: (bytes: number) => Promise<void> | undefined;
  readonly #done = Promise.withResolvers<void>();
  readonly #early: Buffer[] = [];
  #sink: ByteSink | undefined;
  /** Whether the sink's promise is still pending. */
  #waiting = false;
  /** Set once the response has ended; its connection may carry another one by then. */
  #ended: { readonly error: Error | undefined } | undefined;
  /** Whether the end may be told. */
  #isFree = false;

  /** @param throttle asks for a pause after so many bytes, by a promise */
  constructor(
    controller: Dispatcher.DispatchController,
    throttle: (bytes: number) => Promise<void> | undefined = () => undefined,
  ) {
    this.#controller = controller;
    this.#throttle = throttle;
    this.#done.promise.catch(() => undefined);
    controller.pause();
  }

  /** Settles when the body is over: consumed to its clean end, or else broken off or given up, with the reason. */
  get over(): Promise<void> {
    return this.#done.promise;
  }

  /**
   * Hands every piece to `sink`, in order and never while its last promise is pending, and resolves at the clean end.
   * @throws {UpstreamError} when the body breaks off; whatever the sink throws
   */
  async consume(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    this.#flow();
    await this.#done.promise;
  }

  /**
   * Reads the whole body.
   * @throws {UpstreamError} `protocol` when it holds more than `maxBytes`
   */
  async readAll(maxBytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    await this.consume((chunk) => {
      length += chunk.length;
      if (length > maxBytes)
        throw new UpstreamError('protocol', `the answer is larger than ${maxBytes} bytes`);
      pieces.push(Buffer.from(chunk));
      return undefined;
    });
    return Buffer.concat(pieces, length);
  }

  /** Drops the rest; a short rest is read so that the connection can be used again. */
  async discard(): Promise<void> {
    await this.readAll(64 * 1024).catch(() => undefined);
  }

  /** Gives the body up; its connection is closed. */
  abort(reason: Error): void {
    this.#fail(reason);
  }

  /** For the transport: a piece has come. */
  push(chunk: Buffer): void {
    // The parser tells of nothing at each resume; a sink that asks for a pause then would go round for ever.
    if (chunk.length === 0) return;
    if (this.#sink === undefined || this.#waiting || this.#early.length > 0) this.#early.push(chunk);
    else this.#hand(this.#sink, chunk);
  }

  /**
   * For the transport: the body has ended, cleanly or not. A clean end is told two turns later: only then is its
   * connection free for what is asked next.
   */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = { error };
    const free = (): void => {
      this.#isFree = true;
      this.#settle();
    };
    if (error === undefined) twoTurnsLater(free);
    else free();
  }

  /** Hands over what has come early, then lets the connection go on. */
  #flow(): void {
    while (!this.#waiting && this.#sink !== undefined) {
      const chunk = this.#early.shift();
      if (chunk === undefined) {
        if (this.#ended === undefined) this.#controller.resume();
        else this.#settle();
        return;
      }
      this.#hand(this.#sink, chunk);
    }
  }

  #hand(sink: ByteSink, chunk: Buffer): void {
    try {
      const pause = both(sink(chunk), this.#throttle(chunk.length));
      if (pause === undefined) return;
      this.#waiting = true;
      if (this.#ended === undefined) this.#controller.pause();
      pause.then(
        () => {
          this.#waiting = false;
          this.#flow();
        },
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The end counts once the sink has taken all that came before it. */
  #settle(): void {
    if (this.#ended === undefined || !this.#isFree || this.#waiting || this.#early.length > 0) return;
    if (this.#ended.error === undefined) this.#done.resolve();
    else this.#done.reject(this.#ended.error);
  }

  /** A connection that is closed here is told later, too: until then whoever asks next would get one more. */
  #fail(error: unknown): void {
    this.#sink = undefined;
    this.#early.length = 0;
    if (this.#ended !== undefined) {
      this.#done.reject(error);
      return;
    }
    const reason = error instanceof Error ? error : new Error('the sink failed', { cause: error });
    this.#ended = { error: reason };
    this.#controller.abort(reason);
    twoTurnsLater(() => this.#done.reject(error));
  }
}

function twoTurnsLater(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

function both(one: Promise<void> | undefined, other: Promise<void> | undefined): Promise<void> | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Promise.all([one, other]).then(() => undefined);
}
