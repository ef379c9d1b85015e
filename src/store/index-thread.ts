import { Worker } from 'node:worker_threads';
import type { IndexAnswers, IndexRequest } from './index-request.ts';
import type { IndexMessage } from './index-worker.ts';

/** The worker's code as CommonJS text, put here by the build; undeclared when the sources run themselves. */
declare const REGCACHE_INDEX_WORKER: string | undefined;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The thread that the index lives in. Requests are taken in their order. It keeps the process alive only while a
 * request is unanswered; when it dies, every request rejects, those to come too.
 */
export class IndexThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #death: Error | undefined;

  constructor(worker: Worker = startWorker()) {
    this.#worker = worker;
    this.#worker.on('message', (message: IndexMessage) => this.#settle(message));
    this.#worker.on('error', (error) => this.#die(error));
    this.#worker.on('messageerror', (error) => this.#die(error));
    this.#worker.on('exit', (code) => this.#die(new Error(`it ended with code ${code}`)));
    this.#worker.unref();
  }

  /** @throws what the index threw, or that its thread has died */
  async ask<K extends IndexRequest['kind']>(
    request: Extract<IndexRequest, { kind: K }>,
  ): Promise<IndexAnswers[K]> {
    if (this.#death !== undefined) throw this.#death;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { resolve, reject });
    if (this.#waiting.size === 1) this.#worker.ref();
    this.#worker.postMessage({ id: this.#lastId, request }, []);
    // The other thread runs the same version of this program: its answers are of the types that both share.
    return (await promise) as IndexAnswers[K];
  }

  /** Ends the thread at once; requests still waiting reject. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(message: IndexMessage): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(message.error);
  }

  #die(cause: Error): void {
    this.#death ??= new Error(`the index's thread has died: ${cause.message}`, { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#death);
    this.#waiting.clear();
  }
}

/** The parent's own flags (`--input-type`, a debugger's port) are not for this thread. */
function startWorker(): Worker {
  return typeof REGCACHE_INDEX_WORKER === 'string'
    ? new Worker(REGCACHE_INDEX_WORKER, { eval: true, execArgv: [] })
    : new Worker(new URL('./index-worker.ts', import.meta.url), { execArgv: [] });
}
