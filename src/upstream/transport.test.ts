import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { hangs, says, sends, sendsCutting } from '../../fixtures/behaviour.ts';
import { seededContent } from '../bench/image/content.ts';
import { freePort } from '../../fixtures/free-port.ts';
import { startRawServer } from '../../fixtures/raw-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { settled } from '../../fixtures/settled.ts';
import { unending } from '../../fixtures/test-upstream.ts';
import { UpstreamError } from './error.ts';
import { loadTrust } from './trust.ts';
import { type Lane, Transport, type TransportResponse } from './transport.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function openTransport(idleTimeoutMs = 10_000, connections = 2): Promise<Transport> {
  const trust = await loadTrust({ caFiles: [], clientCertificate: undefined });
  const transport = new Transport({ trust, connectTimeoutMs: 3_000, idleTimeoutMs, connections });
  opened.push(transport);
  return transport;
}

async function get(
  transport: Transport,
  url: string,
  options: { headersTimeoutMs?: number; signal?: AbortSignal; method?: 'GET' | 'HEAD'; lane?: Lane } = {},
): Promise<TransportResponse> {
  const { headersTimeoutMs = 10_000, signal = unending(), method = 'GET', lane = 'blob' } = options;
  return await transport.send({ method, url: new URL(url), headers: {}, headersTimeoutMs, lane }, signal);
}

const BLOB = seededContent('transport', 300_000);
const ALL = BLOB.read(0, BLOB.sizeBytes);

describe('Transport', () => {
  it('keeps connections for questions while blobs hold all of theirs', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', '/blob', hangs()).always('GET', '/manifest', says(200, {}, 'm'));
    const transport = await openTransport(10_000, 4);
    const leaving = new AbortController();
    const blobs = Array.from({ length: 5 }, async () =>
      get(transport, `${upstream.url}/blob`, { signal: leaving.signal }),
    );
    await upstream.asked('GET', '/blob', 3);
    const answer = await get(transport, `${upstream.url}/manifest`, { lane: 'talk' });
    expect((await answer.body.readAll(10)).toString()).toBe('m');
    expect(upstream.count('GET', '/blob')).toBe(3);
    leaving.abort(new Error('enough'));
    await Promise.allSettled(blobs);
  });

  it('resolves with the head and hands over the body, byte by byte', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/blob', sends(BLOB));
    const response = await get(await openTransport(), `${upstream.url}/blob?x=1`);
    expect(response.status).toBe(200);
    expect(response.headers['content-length']).toBe('300000');
    expect(await response.body.readAll(1e6)).toEqual(ALL);
    expect(upstream.requests[0]?.url).toBe('/blob?x=1');
  });

  it('calls a refused connection `connect` and says what to check', async () => {
    const port = await freePort();
    await expect(get(await openTransport(), `http://127.0.0.1:${port}/`)).rejects.toMatchObject({
      kind: 'connect',
      message: 'connection refused',
      hint: expect.stringContaining('check that the host is up') as string,
    });
  });

  it('calls a name that does not exist `connect`', async () => {
    await expect(get(await openTransport(), 'http://no-such-host.invalid/')).rejects.toMatchObject({
      kind: 'connect',
    });
  });

  it('calls an answer whose head does not come in time `timeout`', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', hangs());
    await expect(
      get(await openTransport(), `${upstream.url}/`, { headersTimeoutMs: 100 }),
    ).rejects.toMatchObject({
      kind: 'timeout',
      message: 'no answer in time',
    });
  });

  it('calls a body on which nothing moves `timeout`, after the bytes that had come', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(BLOB, { hangAfterBytes: 1000 }));
    const response = await get(await openTransport(150), `${upstream.url}/`);
    let bytes = 0;
    const consumed = response.body.consume((chunk) => {
      bytes += chunk.length;
      return undefined;
    });
    await expect(consumed).rejects.toMatchObject({ kind: 'timeout' });
    expect(bytes).toBe(1000);
  });

  it('never times a body out that its own reader holds up', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(BLOB));
    const response = await get(await openTransport(60), `${upstream.url}/`);
    const held = Promise.withResolvers<void>();
    const timer = setTimeout(() => held.resolve(), 300);
    let bytes = 0;
    await response.body.consume((chunk) => {
      bytes += chunk.length;
      return held.promise;
    });
    clearTimeout(timer);
    expect(bytes).toBe(BLOB.sizeBytes);
  });

  it.each([
    ['a cut in the middle of a known length', { cutAfterBytes: 5000 }],
    ['a cut in the middle of a chunked body', { cutAfterBytes: 5000, chunked: true }],
  ])('calls %s `cut`, and loses no byte before it', async (_what, options) => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(BLOB, options));
    const response = await get(await openTransport(), `${upstream.url}/`);
    const pieces: Buffer[] = [];
    const consumed = response.body.consume((chunk) => {
      pieces.push(chunk);
      return undefined;
    });
    await expect(consumed).rejects.toMatchObject({ kind: 'cut' });
    expect(Buffer.concat(pieces)).toEqual(ALL.subarray(0, 5000));
  });

  it.each([
    ['a reset before the head', (): string | undefined => undefined, 'cut'],
    [
      'a chunked body that ends with the connection',
      () => 'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
      'cut',
    ],
    ['something that is not HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n', 'protocol'],
    ['a head without an end', () => `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}`, 'protocol'],
  ])('takes %s for what it is', async (_what, text, kind) => {
    await using server = await startRawServer((socket) => {
      const answer = text();
      if (answer === undefined) socket.resetAndDestroy();
      else socket.end(answer);
    });
    const asked = get(await openTransport(), server.url).then(async ({ body }) => body.readAll(1e6));
    await expect(asked).rejects.toMatchObject({ name: 'UpstreamError', kind });
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'loses nothing silently where the server closes (%s) before anybody consumes, or while the sink waits',
    async (close) => {
      const sent = Promise.withResolvers<void>();
      await using server = await startRawServer((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${ALL.length}\r\n\r\n`);
        socket.write(ALL, () => {
          socket[close]();
          sent.resolve();
        });
      });
      const response = await get(await openTransport(), server.url);
      await sent.promise;
      await turns();
      const pieces: Buffer[] = [];
      let waiting = 0;
      const consumed = response.body.consume(async (chunk) => {
        waiting += 1;
        pieces.push(Buffer.from(chunk));
        await turns();
        expect(waiting).toBe(1);
        waiting -= 1;
      });
      const ending = await consumed.then(
        () => 'whole',
        (error: unknown) => error,
      );
      const got = Buffer.concat(pieces);
      expect(got).toEqual(ALL.subarray(0, got.length));
      // A reset may cost bytes that had arrived; then, and only then, the end is told as a cut.
      const whole = got.length === ALL.length;
      expect(ending instanceof UpstreamError ? ending.kind : ending).toBe(whole ? 'whole' : 'cut');
      expect(whole || close === 'resetAndDestroy').toBe(true);
    },
  );

  it('pauses the server while a sink waits: memory stays bounded', async () => {
    const blob = seededContent('paused', 64 * 1024 * 1024);
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(blob));
    const response = await get(await openTransport(), `${upstream.url}/`);
    const held = Promise.withResolvers<void>();
    let bytes = 0;
    const consumed = response.body.consume((chunk) => {
      bytes += chunk.length;
      return bytes === chunk.length ? held.promise : undefined;
    });
    await upstream.asked('GET', '/');
    const before = await settled(() => upstream.requests[0]?.sentBytes ?? 0);
    expect(before).toBeLessThan(blob.sizeBytes / 2);
    expect(bytes).toBeLessThan(1024 * 1024);
    held.resolve();
    await consumed;
    expect(bytes).toBe(blob.sizeBytes);
  });

  it('fails a body with what its sink throws, at once or later, and closes the connection', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', '/', sends(BLOB));
    const transport = await openTransport(10_000, 1);
    const fault = new Error('the disk is full');
    const first = await get(transport, `${upstream.url}/`);
    await expect(
      first.body.consume(() => {
        throw fault;
      }),
    ).rejects.toBe(fault);
    const second = await get(transport, `${upstream.url}/`);
    await expect(second.body.consume(() => Promise.reject(fault))).rejects.toBe(fault);
    const third = await get(transport, `${upstream.url}/`);
    expect(await third.body.readAll(1e6)).toEqual(ALL);
    expect(upstream.requests.map(({ connectionId }) => connectionId)).toEqual([1, 2, 3]);
  });

  it('refuses to read more than it was told to', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(BLOB));
    const response = await get(await openTransport(), `${upstream.url}/`);
    await expect(response.body.readAll(BLOB.sizeBytes - 1)).rejects.toMatchObject({ kind: 'protocol' });
  });

  it('leaves with the signal’s reason: before it is sent, before the head, and in the body', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/hang', hangs()).on('GET', '/body', sends(BLOB, { hangAfterBytes: 10 }));
    const transport = await openTransport();
    const reason = new Error('the client left');
    await expect(get(transport, upstream.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controllers = [new AbortController(), new AbortController()];
    const waiting = get(transport, `${upstream.url}/hang`, { signal: controllers[0]?.signal ?? unending() });
    await upstream.asked('GET', '/hang');
    controllers[0]?.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const response = await get(transport, `${upstream.url}/body`, {
      signal: controllers[1]?.signal ?? unending(),
    });
    const consumed = response.body.consume(() => undefined);
    controllers[1]?.abort(reason);
    await expect(consumed).rejects.toBe(reason);
  });

  it('leaves while it waits for a free connection, and the request is never sent', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/first', sends(BLOB));
    const transport = await openTransport(10_000, 1);
    const first = await get(transport, `${upstream.url}/first`);
    const controller = new AbortController();
    const second = get(transport, `${upstream.url}/second`, { signal: controller.signal });
    controller.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    await first.body.readAll(1e6);
    expect(upstream.requests).toHaveLength(1);
  });

  it('uses a connection again after a body, a HEAD, a discarded answer and an empty one', async () => {
    await using upstream = await startScriptedUpstream();
    upstream
      .always('GET', '/', sends(BLOB))
      .always('HEAD', '/', sends(BLOB))
      .always('GET', '/none', says(404, {}, 'no such thing'))
      .always('GET', '/304', says(304));
    const transport = await openTransport(10_000, 1);
    await (await get(transport, upstream.url)).body.readAll(1e6);
    for (let round = 0; round < 3; round += 1) {
      await (await get(transport, upstream.url, { method: 'HEAD' })).body.discard();
      await (await get(transport, `${upstream.url}/none`)).body.discard();
      const empty = await get(transport, `${upstream.url}/304`);
      await empty.body.discard();
      // A second time does nothing, whoever uses the connection by then.
      await empty.body.discard();
    }
    expect(new Set(upstream.requests.map(({ connectionId }) => connectionId))).toEqual(new Set([1]));
  });

  it('does not take an interim answer for the final one', async () => {
    await using server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
    const response = await get(await openTransport(), server.url);
    expect(response.status).toBe(200);
    expect((await response.body.readAll(10)).toString()).toBe('ok');
  });

  it('lets what runs end when it retires', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.on('GET', '/', sends(BLOB));
    const transport = await openTransport();
    const response = await get(transport, upstream.url);
    const retired = transport.retire();
    expect(await response.body.readAll(1e6)).toEqual(ALL);
    await retired;
  });

  it('resumes nothing by itself: a cut body stays cut', async () => {
    await using upstream = await startScriptedUpstream();
    upstream.always('GET', '/', sendsCutting(BLOB, 1));
    const response = await get(await openTransport(), upstream.url);
    await expect(response.body.readAll(1e6)).rejects.toMatchObject({ kind: 'cut' });
    expect(upstream.requests).toHaveLength(1);
  });

  it('gives up a host that takes no connection in time', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, resolve);
    });
    // A TLS handshake that nobody answers counts as connecting.
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const trust = await loadTrust({ caFiles: [], clientCertificate: undefined });
    const transport = new Transport({ trust, connectTimeoutMs: 200, idleTimeoutMs: 1_000, connections: 1 });
    opened.push(transport);
    await expect(get(transport, `https://127.0.0.1:${port}/`)).rejects.toMatchObject({ kind: 'connect' });
    server.close();
  });
});

async function turns(): Promise<void> {
  for (let index = 0; index < 5; index += 1) await turn();
}
