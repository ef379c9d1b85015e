import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { type Digest, isDigest, parseDigest } from '../oci/digest.ts';
import { parseNamespace, type Repository, repositoryKey } from '../oci/namespace.ts';
import { parseTag, type Tag } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import { addToDay, type DayFigure, readDays } from './index-days.ts';
import type { CheckedTag, ExpiryBasis, IndexChange, IndexEntry, IndexSummary } from './index-request.ts';
import { prepareSchema } from './index-schema.ts';
import type { Finding } from './walk-tree.ts';

const APPLY = {
  stored: `INSERT INTO blobs VALUES (:digest, :size, 1, :at, :at) ON CONFLICT DO UPDATE
    SET size = :size, stored = 1, fetched_at = :at, used_at = max(used_at, :at)`,
  used: 'UPDATE blobs SET used_at = max(used_at, :at) WHERE digest = :digest',
  proven: 'INSERT OR IGNORE INTO proofs VALUES (:digest, :repository, :kind)',
  mentioned: 'INSERT OR IGNORE INTO blobs VALUES (:digest, :size, 0, :at, :at)',
  tagged: `INSERT INTO tags VALUES (:repository, :tag, :digest, :at)
    ON CONFLICT DO UPDATE SET digest = :digest, checked_at = :at`,
  found: `INSERT INTO blobs VALUES (:digest, :size, 1, :at, :at)
    ON CONFLICT DO UPDATE SET size = :size, stored = 1`,
  foundTag: `INSERT INTO tags VALUES (:repository, :tag, :digest, :at)
    ON CONFLICT DO UPDATE SET digest = :digest, checked_at = :at WHERE digest <> :digest`,
} as const;

/** The index's SQL, synchronous: it belongs into a worker thread. Knows nothing of files but its own. */
export class IndexDb {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /**
   * Opens the index, or makes an empty one.
   * @throws where the file is damaged, of another version, or not to be opened
   */
  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    try {
      prepareSchema(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Whether the index is known to agree with the tree. */
  get complete(): boolean {
    return this.#prepare('SELECT complete FROM state').get()?.['complete'] === 1;
  }

  set complete(complete: boolean) {
    this.#prepare('UPDATE state SET complete = :complete').run({ complete: complete ? 1 : 0 });
  }

  /** Applies changes in their order, all or none. */
  apply(changes: readonly IndexChange[]): void {
    this.#transaction(() => changes.forEach((change) => this.#apply(change)));
  }

  /** Records what a walk of the tree found; what the index knows of a use or a check is kept. */
  recover(findings: readonly Finding[]): void {
    this.#transaction(() => findings.forEach((finding) => this.#recover(finding)));
  }

  /** Stored digests in their order, from the first after `digest` on. */
  storedAfter(digest: string, limit: number): readonly Digest[] {
    const sql = 'SELECT digest FROM blobs WHERE stored = 1 AND digest > :digest ORDER BY digest LIMIT :limit';
    return this.#digests(sql, { digest, limit });
  }

  /** Records that there are no bytes; the digest's links go when it expires. */
  markMissing(digest: Digest): void {
    this.#prepare('UPDATE blobs SET stored = 0 WHERE digest = :digest').run({ digest });
  }

  /** Digests last used (or fetched) at the cutoff or before, oldest first. */
  due(by: ExpiryBasis, cutoffMs: number, limit: number): readonly Digest[] {
    const column = columnOf(by);
    const sql = `SELECT digest FROM blobs WHERE ${column} <= :cutoff ORDER BY ${column}, digest LIMIT :limit`;
    return this.#digests(sql, { cutoff: Math.floor(cutoffMs), limit });
  }

  /** The oldest last use (or fetch) of all. */
  earliest(by: ExpiryBasis): number | undefined {
    return number(this.#prepare(`SELECT min(${columnOf(by)}) AS at FROM blobs`).get()?.['at']);
  }

  entry(digest: Digest): IndexEntry | undefined {
    const row = this.#prepare('SELECT * FROM blobs WHERE digest = :digest').get({ digest });
    if (row === undefined) return undefined;
    const proofs = this.#prepare('SELECT repository, kind FROM proofs WHERE digest = :digest').all({
      digest,
    });
    const tags = this.#prepare('SELECT repository, tag FROM tags WHERE digest = :digest').all({ digest });
    return {
      storedBytes: row['stored'] === 1 ? (number(row['size']) ?? 0) : 0,
      usedAtMs: number(row['used_at']) ?? 0,
      fetchedAtMs: number(row['fetched_at']) ?? 0,
      proofs: proofs.map(({ repository, kind }) => ({
        repository: parseKey(repository),
        kind: kind === 'manifest' ? 'manifest' : 'blob',
      })),
      tags: tags.map(({ repository, tag }) => ({
        repository: parseKey(repository),
        tag: parseTag(String(tag)),
      })),
    };
  }

  /** What is stored, and what of it was not used (or was fetched) the longest ago. */
  summary(by: ExpiryBasis, limit: number): IndexSummary {
    const totals = this.#prepare('SELECT count(*) AS blobs, sum(size) AS bytes FROM blobs WHERE stored = 1');
    const { blobs, bytes } = totals.get() ?? {};
    const column = columnOf(by);
    const sql = `SELECT digest, size, ${column} AS at,
      (SELECT repository FROM proofs WHERE proofs.digest = blobs.digest LIMIT 1) AS repository
      FROM blobs WHERE stored = 1 ORDER BY ${column} LIMIT :limit`;
    const oldest = this.#prepare(sql).all({ limit });
    return {
      blobs: number(blobs) ?? 0,
      bytes: number(bytes) ?? 0,
      oldest: oldest.map(({ digest, size, at, repository }) => ({
        digest: parseDigest(String(digest)),
        sizeBytes: number(size) ?? 0,
        atMs: number(at) ?? 0,
        repository: typeof repository === 'string' ? repository : undefined,
      })),
    };
  }

  /** The figures of a day and all later ones. */
  days(since: string): readonly DayFigure[] {
    return readDays(this.#database, since);
  }

  /** Drops everything about a digest. */
  forget(digest: Digest): void {
    this.#transaction(() => {
      for (const table of ['tags', 'proofs', 'blobs']) {
        this.#prepare(`DELETE FROM ${table} WHERE digest = :digest`).run({ digest });
      }
    });
  }

  checkedTag(repository: Repository, tag: Tag): CheckedTag | undefined {
    const sql = 'SELECT digest, checked_at FROM tags WHERE repository = :repository AND tag = :tag';
    const row = this.#prepare(sql).get({ repository: repositoryKey(repository), tag });
    const digest = row?.['digest'];
    if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
    return { digest, checkedAtMs: number(row?.['checked_at']) ?? 0 };
  }

  close(): void {
    this.#database.close();
  }

  #apply(change: IndexChange): void {
    if (change.kind === 'counted') {
      addToDay(this.#database, change);
      return;
    }
    const { digest } = change;
    switch (change.kind) {
      case 'stored':
        this.#prepare(APPLY.stored).run({ digest, size: change.sizeBytes, at: Math.floor(change.atMs) });
        break;
      case 'used':
        this.#prepare(APPLY.used).run({ digest, at: Math.floor(change.atMs) });
        break;
      case 'proven':
        this.#prove(digest, change.repository, change.proof, change.sizeBytes, change.atMs);
        break;
      case 'tagged':
        this.#tag(APPLY.tagged, change.repository, change.tag, digest, change.checkedAtMs);
        break;
    }
  }

  #recover(finding: Finding): void {
    const { digest, atMs } = finding;
    switch (finding.kind) {
      case 'blob':
        this.#prepare(APPLY.found).run({ digest, size: finding.sizeBytes, at: Math.floor(atMs) });
        break;
      case 'proof':
        this.#prove(digest, finding.repository, finding.proof, 0, atMs);
        break;
      case 'tag':
        this.#tag(APPLY.foundTag, finding.repository, finding.tag, digest, atMs);
        break;
    }
  }

  #prove(digest: Digest, repository: Repository, kind: string, size: number, atMs: number): void {
    this.#prepare(APPLY.proven).run({ digest, repository: repositoryKey(repository), kind });
    this.#prepare(APPLY.mentioned).run({ digest, size, at: Math.floor(atMs) });
  }

  #tag(sql: string, repository: Repository, tag: Tag, digest: Digest, atMs: number): void {
    this.#prepare(sql).run({ repository: repositoryKey(repository), tag, digest, at: Math.floor(atMs) });
  }

  #digests(sql: string, parameters: Record<string, string | number>): readonly Digest[] {
    const rows = this.#prepare(sql).all(parameters);
    return rows.map(({ digest }) => String(digest)).filter(isDigest);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #transaction(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      // A full disk has rolled back by itself already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function columnOf(by: ExpiryBasis): 'used_at' | 'fetched_at' {
  return by === 'used' ? 'used_at' : 'fetched_at';
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** The inverse of `repositoryKey`: a namespace never holds a slash. */
function parseKey(key: unknown): Repository {
  const text = String(key);
  const slash = text.indexOf('/');
  return {
    namespace: parseNamespace(text.slice(0, slash)),
    name: parseRepositoryName(text.slice(slash + 1)),
  };
}
