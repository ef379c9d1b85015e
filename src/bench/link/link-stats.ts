import type { Connection } from './connection.ts';

/** What one connection has carried, as delivered. */
export interface ConnectionStats {
  /** Counted from 1 in the order of opening. */
  readonly id: number;
  readonly isOpen: boolean;
  readonly toServerBytes: number;
  readonly toClientBytes: number;
}

/** What a link has seen. */
export class LinkStats {
  readonly #open: ReadonlyMap<number, Connection>;
  readonly #closed: ConnectionStats[] = [];
  #opened = 0;
  #peak = 0;

  constructor(open: ReadonlyMap<number, Connection>) {
    this.#open = open;
  }

  /** Connections that were ever opened. */
  get opened(): number {
    return this.#opened;
  }

  get openNow(): number {
    return this.#open.size;
  }

  /** The most that were open at a time. */
  get peak(): number {
    return this.#peak;
  }

  /** Every connection there was, in the order of opening. */
  get connections(): readonly ConnectionStats[] {
    const open = [...this.#open.values()].map((connection) => figuresOf(connection, true));
    return [...this.#closed, ...open].toSorted((left, right) => left.id - right.id);
  }

  /** Counts one more. @returns its number */
  open(): number {
    this.#opened += 1;
    this.#peak = Math.max(this.#peak, this.#open.size + 1);
    return this.#opened;
  }

  close(connection: Connection): void {
    this.#closed.push(figuresOf(connection, false));
  }
}

function figuresOf({ id, passages }: Connection, isOpen: boolean): ConnectionStats {
  return {
    id,
    isOpen,
    toServerBytes: passages.server.deliveredBytes,
    toClientBytes: passages.client.deliveredBytes,
  };
}
