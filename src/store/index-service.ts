import type { Namespace } from '../oci/namespace.ts';
import type { IndexDb } from './index-db.ts';
import type { IndexAnswers, IndexRequest } from './index-request.ts';
import { Layout } from './layout.ts';
import { openIndexDb } from './open-index-db.ts';
import { reconcile } from './reconcile.ts';

/** Requests to an index that is open. */
type OpenRequest = Exclude<IndexRequest, { kind: 'open' }>;

/**
 * The index behind its worker's door: answers requests while, after a crash or from nothing, it still reads the tree.
 * Whatever needs the whole picture waits for that.
 */
export class IndexService {
  readonly #db: IndexDb;
  /** Whether the index agrees with the tree; rejects where the tree cannot be read. */
  readonly #reconciled: Promise<boolean>;
  #stopped = false;

  /** @throws where the index can neither be opened nor replaced */
  constructor(root: string, plainNamespace: Namespace) {
    const layout = new Layout(root, plainNamespace);
    this.#db = openIndexDb(layout.indexFile);
    const complete = this.#db.complete;
    this.#db.complete = false;
    this.#reconciled = complete ? Promise.resolve(true) : reconcile(this.#db, layout, () => this.#stopped);
    // Told to whoever asks; nobody may ask.
    this.#reconciled.catch(() => undefined);
  }

  async answer(request: OpenRequest): Promise<IndexAnswers[OpenRequest['kind']]> {
    switch (request.kind) {
      case 'apply':
        this.#db.apply(request.changes);
        break;
      case 'checked-tag':
        return this.#db.checkedTag(request.repository, request.tag);
      case 'due':
        await this.#reconciled;
        return this.#db.due(request.by, request.cutoffMs, request.limit);
      case 'earliest':
        await this.#reconciled;
        return this.#db.earliest(request.by);
      case 'entry':
        await this.#reconciled;
        return this.#db.entry(request.digest);
      case 'summary':
        return this.#db.summary(request.by, request.limit);
      case 'days':
        return this.#db.days(request.since);
      case 'forget':
        this.#db.forget(request.digest);
        break;
      case 'close':
        await this.#close(request.complete);
    }
    return undefined;
  }

  async #close(complete: boolean): Promise<void> {
    this.#stopped = true;
    const reconciled = await this.#reconciled.catch(() => false);
    this.#db.complete = complete && reconciled;
    this.#db.close();
  }
}
