import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';

/** All addresses of a name, the one to try first in front. */
export type Lookup = (host: string) => Promise<readonly LookupAddress[]>;

export interface RaceOptions {
  /** A name or an address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The system's own by default. */
  readonly lookup?: Lookup | undefined;
}

/** RFC 8305, section 5: how long an address has the stage to itself. */
const HEAD_START_MS = 250;
const READ_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;

const systemLookup: Lookup = async (host) => await lookup(host, { all: true, order: 'verbatim' });

/**
 * Connects to whichever address of a host answers first (RFC 8305). Each address gets a head start before the next
 * is tried too, and goes on meanwhile: Node's own `autoSelectFamily` gives an address up after 250 ms, which a good
 * one at the end of a long link needs too.
 * @throws the first address' error where all fail, or the signal's reason
 */
export async function connectToFirst(
  { host, port, lookup = systemLookup }: RaceOptions,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const addresses = isIP(host) === 0 ? alternating(await lookup(host)) : [host];
  signal.throwIfAborted();
  return await new Race(addresses, port, signal).winner;
}

/** Families in turn, beginning with the first address' own (RFC 8305, section 4). */
function alternating(found: readonly LookupAddress[]): readonly string[] {
  const first = found.filter(({ family }) => family === found[0]?.family);
  const other = found.filter(({ family }) => family !== found[0]?.family);
  return Array.from({ length: Math.max(first.length, other.length) }, (_, index) => [
    first[index],
    other[index],
  ])
    .flat()
    .flatMap((each) => (each === undefined ? [] : [each.address]));
}

class Race {
  readonly #addresses: string[];
  readonly #port: number;
  readonly #signal: AbortSignal;
  readonly #running = new Set<Socket>();
  readonly #result = Promise.withResolvers<Socket>();
  #firstError: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(addresses: readonly string[], port: number, signal: AbortSignal) {
    this.#addresses = [...addresses];
    this.#port = port;
    this.#signal = signal;
    signal.addEventListener('abort', this.#abandon, { once: true });
    this.#startNext();
  }

  get winner(): Promise<Socket> {
    return this.#result.promise;
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const host = this.#addresses.shift();
    if (host === undefined) {
      if (this.#running.size === 0) this.#end(this.#firstError ?? noAddress());
      return;
    }
    const options = { host, port: this.#port, noDelay: true, highWaterMark: READ_BYTES };
    const socket = connect(options);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#running.add(socket);
    socket.once('connect', () => this.#win(socket));
    socket.once('error', (error) => {
      this.#running.delete(socket);
      this.#firstError ??= error;
      this.#startNext();
    });
    this.#timer = setTimeout(() => this.#startNext(), HEAD_START_MS);
  }

  #win(socket: Socket): void {
    this.#running.delete(socket);
    socket.removeAllListeners('error');
    // It may break before its new owner listens; whoever uses it then learns it from the socket's end.
    socket.on('error', () => undefined);
    this.#close();
    this.#result.resolve(socket);
  }

  readonly #abandon = (): void => {
    const reason: unknown = this.#signal.reason;
    this.#end(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };

  #end(error: Error): void {
    this.#close();
    this.#result.reject(error);
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#addresses.length = 0;
    this.#signal.removeEventListener('abort', this.#abandon);
    for (const socket of this.#running) socket.destroy();
  }
}

function noAddress(): Error {
  return Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
}
