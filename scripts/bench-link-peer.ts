/** The two ends of the link that `bench-link.ts` measures, in a process of their own: what the link costs is its own. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What the parent asks for. */
export type PeerTask =
  | { readonly kind: 'pings'; readonly port: number; readonly count: number; readonly kept: boolean }
  | {
      readonly kind: 'flows';
      readonly port: number;
      readonly connections: number;
      readonly warmUpMs: number;
      readonly forMs: number;
    };

/** Milliseconds of each ping, or the bits a second of all flows together. */
export type PeerResult = readonly number[];

const PIECE = Buffer.alloc(256 * 1024, 7);
const MODE = { ping: 1, flow: 2 } as const;

async function startServer(): Promise<number> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (piece) => {
      if (piece[0] === MODE.flow) pour(socket);
      else socket.write(piece);
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 512 });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

function pour(socket: Socket): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(PIECE));
  };
  socket.on('drain', more);
  more();
}

async function runTask(task: PeerTask): Promise<PeerResult> {
  switch (task.kind) {
    case 'pings':
      return await ping(task.port, task.count, task.kept);
    case 'flows':
      return [await flow(task)];
  }
}

async function ping(port: number, count: number, kept: boolean): Promise<PeerResult> {
  const times: number[] = [];
  let socket: Socket | undefined;
  for (let index = 0; index < count; index += 1) {
    if (kept && socket === undefined) {
      socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.write(Buffer.of(MODE.ping));
      await once(socket, 'data');
    }
    const startMs = performance.now();
    socket ??= connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write(Buffer.of(MODE.ping));
    await once(socket, 'data');
    times.push(performance.now() - startMs);
    if (!kept) {
      socket.destroy();
      socket = undefined;
    }
  }
  socket?.destroy();
  return times;
}

async function flow({ port, connections, warmUpMs, forMs }: PeerTask & { kind: 'flows' }): Promise<number> {
  let bytes = 0;
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: { buffer: Buffer.alloc(64 * 1024), callback },
    });
    socket.on('error', () => undefined);
    socket.write(Buffer.of(MODE.flow));
    return socket;
  });
  function callback(received: number): boolean {
    bytes += received;
    return true;
  }
  await passed(warmUpMs);
  const [startMs, startBytes] = [performance.now(), bytes];
  await passed(forMs);
  const rate = ((bytes - startBytes) * 8000) / (performance.now() - startMs);
  for (const socket of sockets) socket.destroy();
  return rate;
}

async function passed(milliseconds: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

if (process.argv[1] === import.meta.filename) {
  process.on('message', (task: PeerTask) => {
    void runTask(task).then((result) => process.send?.(result));
  });
  process.send?.(await startServer());
}
