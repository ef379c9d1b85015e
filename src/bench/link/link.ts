import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Alarm } from './alarm.ts';
import { Connection, DIRECTIONS, type PendingCut, type Towards } from './connection.ts';
import { FairLink } from './fair-link.ts';
import { type LinkOptions, type LinkShape, shapeOf } from './link-options.ts';
import { LinkStats } from './link-stats.ts';
import type { PassageEnd } from './passage.ts';

export interface CutOptions {
  /** One connection by its number in the statistics; all without it. */
  readonly connection?: number;
  /** A reset, or an end in order that comes too early. A reset by default. */
  readonly how?: PassageEnd;
  /** Bytes that a connection delivers from its opening on before it is cut; at once without it. */
  readonly afterBytes?: number;
  /** Whose bytes are counted: those that the client gets, by default. */
  readonly towards?: Towards;
}

const HOST = '127.0.0.1';

/**
 * A long link in user space: a TCP proxy on loopback that delays, paces and breaks what passes. What it can't show:
 * losses lower a connection's ceiling but hold nothing up, connections share fairly at once, and the kernel's
 * socket buffers at both ends (several MiB for a reader that sleeps) lie outside of its window.
 */
export class Link implements AsyncDisposable {
  readonly stats: LinkStats;
  readonly host = HOST;
  readonly port: number;
  readonly #to: LinkOptions['to'];
  readonly #shape: LinkShape;
  readonly #lanes: Readonly<Record<Towards, FairLink>>;
  readonly #connections = new Map<number, Connection>();
  readonly #alarm = new Alarm(() => this.#run());
  readonly #holes = new Set<Towards>();
  readonly #cuts = new Set<PendingCut>();
  #server: Server;
  #dropsNew = false;

  constructor(server: Server, port: number, options: LinkOptions) {
    this.port = port;
    this.#server = server;
    this.#to = options.to;
    this.#shape = shapeOf(options);
    const { linkBitsPerSecond, mssBytes } = this.#shape;
    this.#lanes = {
      client: new FairLink(linkBitsPerSecond, mssBytes),
      server: new FairLink(linkBitsPerSecond, mssBytes),
    };
    this.stats = new LinkStats(this.#connections);
    this.#serve(server);
  }

  /** The near end as the address of a server. */
  url(scheme: 'http' | 'https'): string {
    return `${scheme}://${HOST}:${this.port}`;
  }

  /** What so many connections together can carry one way, in bits a second. */
  allowedBitsPerSecond(connections: number): number {
    return Math.min(this.#shape.linkBitsPerSecond, connections * this.#shape.ceilingBitsPerSecond);
  }

  /**
   * Cuts connections: at once, or each when it has delivered so many bytes; without a number, that goes for those
   * that are opened later too, until what is returned is disposed of.
   */
  cut({ connection, how = 'reset', afterBytes, towards = 'client' }: CutOptions = {}): Disposable {
    const named = [...this.#connections.values()].filter(({ id }) => (connection ?? id) === id);
    if (afterBytes === undefined) {
      for (const each of named) each.cut(how);
      return { [Symbol.dispose]: () => undefined };
    }
    const cut = { how, afterBytes, towards };
    for (const each of named) each.cutAfter(cut);
    if (connection === undefined) this.#cuts.add(cut);
    this.#run();
    return {
      [Symbol.dispose]: () => {
        this.#cuts.delete(cut);
        for (const each of named) each.cutAfter(undefined);
      },
    };
  }

  /**
   * Swallows everything and keeps connections open, in one direction or both. A connection that has lost bytes stays
   * dead when the hole is closed; new ones are well.
   */
  blackHole(on: boolean, towards?: Towards): void {
    for (const each of towards === undefined ? DIRECTIONS : [towards]) {
      if (!on) this.#holes.delete(each);
      else {
        this.#holes.add(each);
        for (const { passages } of this.#connections.values()) passages[each].die();
      }
    }
    this.#refill();
  }

  /** Accepts new connections and never says anything on them. */
  dropNew(on: boolean): void {
    this.#dropsNew = on;
  }

  /** Refuses new connections; those that are open go on. @throws where its port was taken meanwhile */
  async refuse(on: boolean): Promise<void> {
    if (on === !this.#server.listening) return;
    if (on) this.#server.close();
    else {
      this.#server = await listen(this.port);
      this.#serve(this.#server);
    }
  }

  /** Closes everything; open connections are reset. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    this.#alarm.clear();
    for (const connection of this.#connections.values()) connection.destroy();
    await closed;
    this.#alarm.clear();
  }

  #serve(server: Server): void {
    server.on('connection', (client) => this.#open(client));
  }

  #open(client: Socket): void {
    const id = this.stats.open();
    const server = this.#dropsNew ? undefined : connect({ ...this.#to, allowHalfOpen: true });
    const connection = new Connection({
      id,
      shape: this.#shape,
      nowMs: performance.now(),
      client,
      server,
      onChange: () => this.#run(),
      onClosed: () => this.#forget(connection),
    });
    this.#connections.set(id, connection);
    for (const towards of DIRECTIONS) {
      const passage = connection.passages[towards];
      if (this.#holes.has(towards)) passage.die();
      this.#lanes[towards].add(passage);
    }
    for (const cut of this.#cuts) connection.cutAfter(cut);
  }

  #forget(connection: Connection): void {
    for (const towards of DIRECTIONS) this.#lanes[towards].remove(connection.passages[towards]);
    this.stats.close(connection);
    this.#connections.delete(connection.id);
  }

  /** Delivers what is due, releases what may go, and waits for the next moment at which either can happen. */
  #run(): void {
    const nowMs = performance.now();
    const soonMs = nowMs + this.#alarm.earlyMs;
    this.#deliver(nowMs, soonMs);
    let nextMs = Infinity;
    for (const lane of Object.values(this.#lanes)) nextMs = Math.min(nextMs, lane.release(soonMs));
    // Where the link takes no time, what was released is due.
    nextMs = Math.min(nextMs, this.#deliver(nowMs, soonMs));
    this.#refill();
    this.#alarm.set(nextMs, nowMs);
  }

  /** @returns when something is due next */
  #deliver(nowMs: number, soonMs: number): number {
    let nextMs = Infinity;
    for (const connection of this.#connections.values()) {
      const dueMs = connection.nextDueMs;
      if (dueMs <= soonMs) {
        this.#alarm.note(dueMs, nowMs);
        connection.deliver(soonMs);
      }
      nextMs = Math.min(nextMs, connection.nextDueMs);
    }
    return nextMs;
  }

  #refill(): void {
    for (const connection of this.#connections.values()) connection.refill();
  }
}

/**
 * Starts a {@link Link} on a free loopback port.
 * @throws {RangeError} where a figure describes no link
 */
export async function startLink(options: LinkOptions): Promise<Link> {
  shapeOf(options);
  const server = await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the link has no port');
  return new Link(server, address.port, options);
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen({ host: HOST, port, backlog: 1024 });
  await once(server, 'listening');
  return server;
}
