import type { DatabaseSync } from 'node:sqlite';
import { DAYS_TABLE } from './index-days.ts';

/** Goes up with every change of the tables; version 1 is brought up, an index of another one is rebuilt from the tree. */
const VERSION = 2;

/*
 * There is no column for the expiry: it follows from `used_at` or `fetched_at` and the TTL of the moment, so that a
 * changed TTL applies at once. `stored` is 0 for a digest that is only proven, so that its links expire too.
 */
const TABLES = `
  CREATE TABLE blobs (
    digest TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    fetched_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_by_fetch ON blobs (fetched_at);
  CREATE INDEX blobs_by_use ON blobs (used_at);
  CREATE TABLE proofs (
    digest TEXT NOT NULL,
    repository TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (digest, repository, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tags (
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (repository, tag)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_by_digest ON tags (digest);
  CREATE TABLE state (complete INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES (0);
`;

/**
 * Checks a database, makes its tables where it is new and those that it lacks where it is older.
 * @throws where it is damaged or of another version
 */
export function prepareSchema(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === 0) {
    database.exec(`BEGIN; ${TABLES} ${DAYS_TABLE} PRAGMA user_version = ${VERSION}; COMMIT`);
    return;
  }
  if (version === 1) {
    database.exec(`BEGIN; ${DAYS_TABLE} PRAGMA user_version = ${VERSION}; COMMIT`);
    prepareSchema(database);
    return;
  }
  if (version !== VERSION) throw new Error(`the index has version ${String(version)}, not ${VERSION}`);
  const verdict = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok') throw new Error(`the index is damaged: ${String(verdict)}`);
}
