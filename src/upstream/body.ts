import type { Dispatcher } from 'undici';
import { UpstreamError } from './error.ts';

/** Takes a piece of a body; a promise asks for a pause until it resolves. */
export type ByteSink = (chunk: Buffer) => Promise<void> | undefined;

/**
 * A response's body, paused until somebody consumes it. Whoever holds it must consume, read or discard it:
 * its connection is taken until then.
 */
export class ResponseBody {
  readonly #controller: Dispatcher.DispatchController;
  readonly #ended = Promise.withResolvers<void>();
  #sink: ByteSink | undefined;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
    this.#ended.promise.catch(() => undefined);
    controller.pause();
  }

  /**
   * Hands every piece to `sink`, in order, and resolves at the clean end.
   * @throws {UpstreamError} when the body breaks off; whatever the sink throws
   */
  async consume(sink: ByteSink): Promise<void> {
    this.#sink = sink;
    this.#controller.resume();
    await this.#ended.promise;
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
    this.#controller.abort(reason);
  }

  /** For the transport: a piece has come. */
  push(chunk: Buffer): void {
    try {
      const pause = this.#sink?.(chunk);
      if (pause === undefined) return;
      this.#controller.pause();
      pause.then(
        () => this.#controller.resume(),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** For the transport: the body has ended, cleanly or not. */
  end(error?: Error): void {
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }

  #fail(error: unknown): void {
    this.#ended.reject(error);
    this.#controller.abort(error instanceof Error ? error : new Error('the sink failed', { cause: error }));
  }
}
