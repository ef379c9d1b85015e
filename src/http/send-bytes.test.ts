import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../../fixtures/client.ts';
import { type Content, seededContent } from '../bench/image/content.ts';
import { settled } from '../../fixtures/settled.ts';
import type { ByteSource } from '../cache/byte-source.ts';
import { BufferPool } from './buffer-pool.ts';
import { sendBytes } from './send-bytes.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const BUDGET = 64 * MIB;

/** Notes the size of every buffer that a reader was given. */
class WatchedPool extends BufferPool {
  readonly sizes: number[] = [];
  override take(sizeBytes: number): Buffer {
    this.sizes.push(sizeBytes);
    return super.take(sizeBytes);
  }
}

interface Sending {
  readonly url: string;
  readonly pool: WatchedPool;
  /** How each answer ended. */
  readonly ends: Promise<unknown>[];
  sent: number;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});

/** A server that sends a part of a source, as the blob handler does. */
async function sending(
  source: ByteSource,
  part: { startBytes?: number; endBytes?: number | undefined } = {},
  pool = new WatchedPool(BUDGET),
): Promise<Sending> {
  const server = createServer((_request, response) => {
    const left = new AbortController();
    response.once('close', () => left.abort(new Error('the client left')));
    response.writeHead(200);
    const startBytes = part.startBytes ?? 0;
    const endBytes = 'endBytes' in part ? part.endBytes : source.sizeBytes;
    const onSent = (bytes: number): void => {
      state.sent += bytes;
    };
    const options = { source, startBytes, endBytes, pool, maxBufferBytes: MIB, onSent, signal: left.signal };
    const end = sendBytes(response, options).then(
      () => response.end(),
      (error: unknown) => {
        response.destroy();
        return error;
      },
    );
    state.ends.push(end);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const state: Sending = { url: `http://127.0.0.1:${port}`, pool, ends: [], sent: 0 };
  return state;
}

function sourceOf(content: Content, readMost = Infinity): ByteSource {
  return {
    sizeBytes: content.sizeBytes,
    read: (into, position) =>
      Promise.resolve(content.read(position, Math.min(into.length, readMost)).copy(into)),
    close: () => Promise.resolve(),
  };
}

function isEmpty(pool: BufferPool): boolean {
  return pool.tryTake(BUDGET) !== undefined;
}

describe('sendBytes', () => {
  const sizes = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 128 * KIB, 128 * KIB + 1];
  const larger = [MIB - 1, MIB, MIB + 1, 5 * MIB + 13];
  it.each([...sizes, ...larger])('sends exactly the bytes of a blob of %s', async (sizeBytes) => {
    const content = seededContent('sizes', sizeBytes);
    const state = await sending(sourceOf(content));
    const answer = await ask(state.url);
    expect((await answer.bytes()).equals(content.read(0, sizeBytes))).toBe(true);
    await Promise.all(state.ends);
    expect([state.sent, isEmpty(state.pool)]).toEqual([sizeBytes, true]);
  });

  it.each([
    [0, 1],
    [1, 64 * KIB + 1],
    [64 * KIB, 3 * MIB],
    [MIB + 7, 2 * MIB],
  ])('sends exactly the bytes from %s to %s', async (startBytes, endBytes) => {
    const content = seededContent('parts', 3 * MIB);
    const state = await sending(sourceOf(content), { startBytes, endBytes });
    const got = await (await ask(state.url)).bytes();
    expect(got.equals(content.read(startBytes, endBytes - startBytes))).toBe(true);
  });

  it('sends a source that gives little at a time, and one whose end nobody knows yet', async () => {
    const content = seededContent('short reads', 300_000);
    const state = await sending(sourceOf(content, 1_337), { endBytes: undefined });
    expect((await (await ask(state.url)).bytes()).equals(content.read(0, 300_000))).toBe(true);
  });

  it('grows the buffers of a client that keeps up, to the largest that pays', async () => {
    const state = await sending(sourceOf(seededContent('fast', 24 * MIB)));
    expect((await (await ask(state.url)).drain()).sizeBytes).toBe(24 * MIB);
    await Promise.all(state.ends);
    expect(Math.max(...state.pool.sizes)).toBe(MIB);
    expect(state.pool.sizes.slice(0, 2)).toEqual([64 * KIB, 64 * KIB]);
    expect(isEmpty(state.pool)).toBe(true);
  });

  it('grows nothing once the budget of all is used up', async () => {
    const pool = new WatchedPool(BUDGET);
    pool.take(BUDGET);
    const content = seededContent('no budget', 4 * MIB);
    const state = await sending(sourceOf(content), {}, pool);
    expect((await (await ask(state.url)).bytes()).equals(content.read(0, 4 * MIB))).toBe(true);
    expect(pool.sizes).toEqual([BUDGET, 64 * KIB, 64 * KIB]);
  });

  it('leaks no buffer when the client leaves in the middle', async () => {
    const state = await sending(sourceOf(seededContent('left', 64 * MIB)));
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(state.url)));
    for (const answer of answers) {
      await answer.firstByte();
      answer.leave();
    }
    for (const end of await Promise.all(state.ends)) expect(end).toBeInstanceOf(Error);
    expect(isEmpty(state.pool)).toBe(true);
  });

  it('leaks no buffer when an answer waits behind another on its connection, and the client leaves', async () => {
    const state = await sending(sourceOf(seededContent('pipelined', 64 * MIB)));
    const socket = connect(Number(new URL(state.url).port), '127.0.0.1');
    const head = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
    socket.write(head + head);
    await once(socket, 'readable');
    expect(state.ends).toHaveLength(2);
    socket.destroy();
    for (const end of await Promise.all(state.ends)) expect(end).toBeInstanceOf(Error);
    expect(isEmpty(state.pool)).toBe(true);
  });

  it('fails where the source ends too early or breaks, and the client’s answer ends short', async () => {
    const content = seededContent('early', 200_000);
    const early = await sending(sourceOf(content), { endBytes: 200_001 });
    expect((await (await ask(early.url)).drain()).complete).toBe(false);
    expect(await early.ends[0]).toMatchObject({ message: 'the source ended too early' });
    const fault = new Error('the disk is gone');
    const broken = await sending({
      ...sourceOf(content),
      read: (into, position) =>
        position > 100_000
          ? Promise.reject(fault)
          : Promise.resolve(content.read(position, into.length).copy(into)),
    });
    expect((await (await ask(broken.url)).drain()).complete).toBe(false);
    expect(await broken.ends[0]).toBe(fault);
    expect([isEmpty(early.pool), isEmpty(broken.pool)]).toEqual([true, true]);
  });

  it('stops reading for a client that stalls, which holds its first two buffers and no more', async () => {
    let read = 0;
    const content = seededContent('stalled', 64 * MIB);
    const inner = sourceOf(content);
    const state = await sending({
      ...inner,
      read: async (into, position, signal) => {
        const length = await inner.read(into, position, signal);
        read = position + length;
        return length;
      },
    });
    const answer = await ask(state.url);
    await answer.firstByte();
    await settled(() => read);
    expect(read).toBeLessThan(16 * MIB);
    expect(state.pool.sizes).toEqual([64 * KIB, 64 * KIB]);
    answer.leave();
    await Promise.all(state.ends);
  });
});
