import type { Socket } from 'node:net';
import type { LinkShape } from './link-options.ts';
import { Passage, type PassageEnd } from './passage.ts';

/** One direction of the link, by who is at its end. */
export type Towards = 'client' | 'server';

export const DIRECTIONS: readonly Towards[] = ['server', 'client'];

/** A cut that waits for the bytes of one direction. */
export interface PendingCut {
  readonly afterBytes: number;
  readonly towards: Towards;
  readonly how: PassageEnd;
}

export interface ConnectionOptions {
  readonly id: number;
  readonly shape: LinkShape;
  readonly nowMs: number;
  readonly client: Socket;
  /** Undefined where the connection is accepted and leads nowhere. */
  readonly server: Socket | undefined;
  /** Called when there may be something to release or to deliver. */
  readonly onChange: () => void;
  /** Called when both sockets are closed. */
  readonly onClosed: () => void;
}

/** One connection through the link: two sockets and a passage each way. */
export class Connection {
  readonly id: number;
  readonly passages: Readonly<Record<Towards, Passage>>;
  readonly #sockets: Readonly<Record<Towards, Socket | undefined>>;
  readonly #options: ConnectionOptions;
  #openSockets = 0;
  /** How often each sender was told to go on. */
  readonly #resumed = { client: 0, server: 0 };
  #cut: PendingCut | undefined;

  constructor(options: ConnectionOptions) {
    const { id, shape, nowMs, client, server } = options;
    this.id = id;
    this.#options = options;
    this.#sockets = { client, server };
    const { roundTripMs, oneWayMs } = shape;
    const passage = (towards: Towards, stream: number, opensAtMs: number): Passage =>
      new Passage({
        shape,
        stream,
        opensAtMs,
        backlogBytes: () => this.#sockets[towards]?.writableLength ?? 0,
      });
    this.passages = {
      // SYN and SYN-ACK: only then may the client send; the server learns of it half a round trip later.
      server: passage('server', 2 * id, nowMs + roundTripMs),
      client: passage('client', 2 * id + 1, nowMs + roundTripMs + oneWayMs),
    };
    this.#attach(client, 'client', 'server');
    if (server === undefined) for (const each of Object.values(this.passages)) each.die();
    else this.#attach(server, 'server', 'client');
  }

  /** When either end is due to get something, Infinity where nothing travels. */
  get nextDueMs(): number {
    return Math.min(this.passages.client.nextDueMs, this.passages.server.nextDueMs);
  }

  /** Hands over what is due. */
  deliver(untilMs: number): void {
    for (const towards of DIRECTIONS) {
      if (this.passages[towards].nextDueMs <= untilMs) this.#deliver(towards, untilMs);
    }
  }

  /** Lets senders go on whose bytes have left. */
  refill(): void {
    for (const towards of DIRECTIONS) {
      const source = this.#sockets[towards === 'server' ? 'client' : 'server'];
      if (source?.isPaused() === true && this.passages[towards].hasRoom) this.#resume(source, towards);
    }
  }

  /** Breaks it off now, both ends at once. */
  cut(how: PassageEnd): void {
    for (const towards of DIRECTIONS) {
      this.passages[towards].die();
      endSocket(this.#sockets[towards], how);
      this.#sockets[towards]?.resume();
    }
  }

  /** Breaks it off when that many bytes have been delivered since it was opened. */
  cutAfter(cut: PendingCut | undefined): void {
    this.#cut = cut;
  }

  /** Closes both sockets; whoever is at their ends sees a reset. */
  destroy(): void {
    for (const socket of Object.values(this.#sockets)) endSocket(socket, 'reset');
  }

  #attach(socket: Socket, at: Towards, towards: Towards): void {
    const { onChange, onClosed } = this.#options;
    const onward = this.passages[towards];
    this.#openSockets += 1;
    socket.setNoDelay(true);
    socket.on('data', (piece) => {
      onward.push(piece, performance.now());
      if (onward.isFull) socket.pause();
      onChange();
    });
    socket.on('end', () => {
      onward.finish('fin', performance.now());
      onChange();
    });
    socket.on('error', () => {
      onward.finish('reset', performance.now());
      this.passages[at].die();
      onChange();
    });
    socket.on('drain', onChange);
    socket.on('close', () => {
      this.#openSockets -= 1;
      this.passages[at].die();
      if (this.#openSockets === 0) onClosed();
      onChange();
    });
  }

  /** What the kernel has of it is read when the event loop comes round: what comes later was not waiting. */
  #resume(source: Socket, towards: Towards): void {
    source.resume();
    this.#resumed[towards] += 1;
    const number = this.#resumed[towards];
    setImmediate(() => {
      setImmediate(() => {
        if (number === this.#resumed[towards] && !source.isPaused()) this.passages[towards].letGo();
      });
    });
  }

  #deliver(towards: Towards, untilMs: number): void {
    const passage = this.passages[towards];
    const socket = this.#sockets[towards];
    const cut = this.#cut?.towards === towards ? this.#cut : undefined;
    const left = (cut?.afterBytes ?? Infinity) - passage.deliveredBytes;
    const { pieces, end } = passage.take(untilMs, Math.max(0, left));
    socket?.cork();
    for (const piece of pieces) socket?.write(piece);
    socket?.uncork();
    if (end !== undefined) endSocket(socket, end);
    if (cut !== undefined && passage.deliveredBytes >= cut.afterBytes) this.#cutWhenWritten(cut, socket);
  }

  /** A reset takes back what the kernel has not taken. */
  #cutWhenWritten(cut: PendingCut, socket: Socket | undefined): void {
    this.#cut = undefined;
    for (const each of Object.values(this.passages)) each.die();
    if (socket === undefined || socket.writableLength === 0) this.cut(cut.how);
    else socket.write(Buffer.alloc(0), () => this.cut(cut.how));
  }
}

function endSocket(socket: Socket | undefined, how: PassageEnd): void {
  if (how === 'fin') socket?.end();
  else if (socket !== undefined) resetSocket(socket);
}

/** Node cannot reset while an end is being sent, and would leave the socket open. */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
