import type { DatabaseSync } from 'node:sqlite';

/** One figure of one day. `measure` is its owner's word; the index only adds up. */
export interface DayFigure {
  /** `2026-11-25`. */
  readonly day: string;
  readonly namespace: string;
  readonly measure: string;
  readonly amount: number;
}

export const DAYS_TABLE = `
  CREATE TABLE days (
    day TEXT NOT NULL,
    namespace TEXT NOT NULL,
    measure TEXT NOT NULL,
    amount INTEGER NOT NULL,
    PRIMARY KEY (day, namespace, measure)
  ) STRICT, WITHOUT ROWID;
`;

/** Days beyond this many are forgotten when a new one begins. */
const KEPT_DAYS = 400;

const ADD = `INSERT INTO days VALUES (:day, :namespace, :measure, :amount)
  ON CONFLICT DO UPDATE SET amount = amount + :amount`;
const FORGET = `DELETE FROM days WHERE day NOT IN (SELECT DISTINCT day FROM days ORDER BY day DESC LIMIT ${KEPT_DAYS})`;

/** Adds to a day's figures; within the caller's transaction. */
export function addToDay(database: DatabaseSync, { day, namespace, measure, amount }: DayFigure): void {
  const isNew = database.prepare('SELECT 1 FROM days WHERE day = ? LIMIT 1').get(day) === undefined;
  database.prepare(ADD).run({ day, namespace, measure, amount });
  if (isNew) database.prepare(FORGET).run();
}

/** The figures of a day and all later ones, by day. */
export function readDays(database: DatabaseSync, since: string): readonly DayFigure[] {
  const rows = database
    .prepare('SELECT * FROM days WHERE day >= ? ORDER BY day, namespace, measure')
    .all(since);
  return rows.map(({ day, namespace, measure, amount }) => ({
    day: String(day),
    namespace: String(namespace),
    measure: String(measure),
    amount: Number(amount),
  }));
}
