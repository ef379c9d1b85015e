import type { Clock } from '../async/clock.ts';
import type { Digest } from '../oci/digest.ts';
import type { Namespace, Repository } from '../oci/namespace.ts';
import type { Tag } from '../oci/reference.ts';
import type { DayFigure } from './index-days.ts';
import type { CheckedTag, ExpiryBasis, IndexChange, IndexEntry, IndexSummary } from './index-request.ts';
import { IndexThread } from './index-thread.ts';

/** How long a change may wait for others; what a crash loses is found again in the tree. */
const FLUSH_MS = 1_000;
const MAX_BATCH = 1_000;

export interface BlobIndexDeps {
  readonly root: string;
  readonly plainNamespace: Namespace;
  readonly clock: Clock;
  /** Told when changes were lost; the index is then compared with the tree at the next start. */
  readonly onFailure: (error: Error) => void;
  readonly thread?: IndexThread;
}

/**
 * What is stored, since when, last used when, proven by whom. Changes are gathered and applied in their order, within a
 * second; every question is answered as of all changes before it.
 */
export class BlobIndex {
  readonly #clock: Clock;
  readonly #onFailure: (error: Error) => void;
  readonly #thread: IndexThread;
  readonly #controller = new AbortController();
  #changes: IndexChange[] = [];
  /** Uses of one digest are one change. */
  #uses = new Map<Digest, number>();
  /** Figures of days that a failure has left, added up: nothing else remembers them, and the tree does not tell them. */
  #unwritten = new Map<string, DayFigure>();
  #armed = false;
  #complete = true;

  private constructor(deps: BlobIndexDeps, thread: IndexThread) {
    this.#clock = deps.clock;
    this.#onFailure = deps.onFailure;
    this.#thread = thread;
  }

  /** @throws where the index can be neither opened nor rebuilt */
  static async open(deps: BlobIndexDeps): Promise<BlobIndex> {
    const thread = deps.thread ?? new IndexThread();
    try {
      await thread.ask({ kind: 'open', root: deps.root, plainNamespace: deps.plainNamespace });
    } catch (error) {
      await thread.terminate();
      throw error;
    }
    return new BlobIndex(deps, thread);
  }

  record(change: IndexChange): void {
    this.#changes.push(change);
    this.#arm();
  }

  use(digest: Digest, atMs: number): void {
    this.#uses.set(digest, Math.max(this.#uses.get(digest) ?? -Infinity, atMs));
    this.#arm();
  }

  async due(by: ExpiryBasis, cutoffMs: number, limit: number): Promise<readonly Digest[]> {
    void this.#flush();
    return await this.#thread.ask({ kind: 'due', by, cutoffMs, limit });
  }

  async earliest(by: ExpiryBasis): Promise<number | undefined> {
    void this.#flush();
    return await this.#thread.ask({ kind: 'earliest', by });
  }

  async entry(digest: Digest): Promise<IndexEntry | undefined> {
    void this.#flush();
    return await this.#thread.ask({ kind: 'entry', digest });
  }

  async summary(by: ExpiryBasis, limit: number): Promise<IndexSummary> {
    void this.#flush();
    return await this.#thread.ask({ kind: 'summary', by, limit });
  }

  /** What could not be written yet stands behind what is: figures of one day and measure are to be added up. */
  async days(since: string): Promise<readonly DayFigure[]> {
    await this.#flush();
    const written = await this.#thread.ask({ kind: 'days', since });
    return [...written, ...[...this.#unwritten.values()].filter(({ day }) => day >= since)];
  }

  async forget(digest: Digest): Promise<void> {
    void this.#flush();
    await this.#thread.ask({ kind: 'forget', digest });
  }

  async checkedTag(repository: Repository, tag: Tag): Promise<CheckedTag | undefined> {
    void this.#flush();
    return await this.#thread.ask({ kind: 'checked-tag', repository, tag });
  }

  /** Applies what is left and ends the thread. */
  async close(): Promise<void> {
    this.#controller.abort();
    await this.#flush();
    try {
      await this.#thread.ask({ kind: 'close', complete: this.#complete });
    } catch (error) {
      this.#fail(error);
    }
    await this.#thread.terminate();
  }

  #arm(): void {
    if (this.#changes.length + this.#uses.size >= MAX_BATCH) void this.#flush();
    if (this.#armed || this.#controller.signal.aborted) return;
    this.#armed = true;
    void this.#clock.sleep(FLUSH_MS, this.#controller.signal).then(
      () => {
        this.#armed = false;
        return this.#flush();
      },
      () => undefined,
    );
  }

  /** Hands over what was gathered; what is asked afterwards is answered after it. */
  #flush(): Promise<void> {
    const uses = Array.from(this.#uses, ([digest, atMs]): IndexChange => ({ kind: 'used', digest, atMs }));
    const figures = Array.from(this.#unwritten.values(), (figure): IndexChange => ({
      kind: 'counted',
      ...figure,
    }));
    const changes = [...figures, ...this.#changes, ...uses];
    this.#changes = [];
    this.#uses = new Map();
    this.#unwritten = new Map();
    if (changes.length === 0) return Promise.resolve();
    return this.#thread.ask({ kind: 'apply', changes }).catch((error: unknown) => {
      for (const change of changes) if (change.kind === 'counted') this.#keep(change);
      this.#fail(error);
    });
  }

  #keep({ day, namespace, measure, amount }: DayFigure): void {
    const key = `${day} ${namespace} ${measure}`;
    const before = this.#unwritten.get(key)?.amount ?? 0;
    this.#unwritten.set(key, { day, namespace, measure, amount: before + amount });
  }

  #fail(error: unknown): void {
    this.#complete = false;
    this.#onFailure(error instanceof Error ? error : new Error(String(error)));
  }
}
