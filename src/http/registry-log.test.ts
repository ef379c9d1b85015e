import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { challenges, says, saysJson, sends } from '../../fixtures/behaviour.ts';
import { fullDisk } from '../../fixtures/broken-disk.ts';
import { seededContent } from '../bench/image/content.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { EventLog } from '../telemetry/logger.ts';

const BLOB = seededContent('log', 100_000);
const BLOB_PATH = `/v2/lib/app/blobs/${BLOB.digest}`;

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function start(origin: ScriptedUpstream): Promise<RunningCache> {
  const cache = await startCache({ origin: origin.url });
  opened.push(origin, cache);
  return cache;
}

/** Everything that a cache has told, as both forms of the log write it. */
async function everyLine(cache: RunningCache): Promise<string> {
  const texts = (['json', 'text'] as const).map(async (formatter) => {
    const destination = new PassThrough();
    let text = '';
    destination.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    const log = new EventLog({
      level: 'debug',
      formatter,
      fields: {},
      accessLog: true,
      colour: false,
      destination,
    });
    for (const event of [...cache.events, { kind: 'warning', message: 'the last line' } as const])
      log.write(event);
    while (!text.includes('the last line')) await once(destination, 'data');
    return text;
  });
  return (await Promise.all(texts)).join('');
}

describe('bytes of content', () => {
  it('are told as they go out; bodies of errors, of lists of nobody and of pings are none', async () => {
    const origin = await startScriptedUpstream();
    origin.on('GET', BLOB_PATH, sends(BLOB)).on('GET', '/v2/lib/app/manifests/none', says(404));
    const cache = await start(origin);
    for (const path of [BLOB_PATH, '/v2/lib/app/manifests/none', '/v2/', '/v2/Bad/tags/list'])
      await (await cache.ask(path)).bytes();
    await cache.tells('request', 4);
    const [namespace] = new Set(cache.told('sent').map((event) => event.namespace));
    const bytes = cache.told('sent').reduce((sum, event) => sum + event.bytes, 0);
    expect([namespace, bytes]).toEqual([new URL(origin.url).host, BLOB.sizeBytes]);
    expect(cache.told('request').map(({ missReason }) => missReason)).toEqual([
      'new',
      'refused',
      undefined,
      undefined,
    ]);
  });

  it('and why there is none, are not told of lists', async () => {
    const origin = await startScriptedUpstream();
    origin.on('GET', '/v2/lib/app/tags/list', says(404));
    const cache = await start(origin);
    await (await cache.ask('/v2/lib/app/tags/list')).bytes();
    await cache.tells('request');
    expect(cache.told('request')[0]).toMatchObject({ outcome: 'miss', missReason: undefined });
  });
});

describe('the access log', () => {
  it('tells outcome, waits, bytes and client of a miss, a hit and an error', async () => {
    const origin = await startScriptedUpstream();
    origin.on('GET', BLOB_PATH, sends(BLOB)).on('GET', '/v2/lib/app/manifests/none', says(404));
    const cache = await start(origin);
    const headers = { 'user-agent': 'podman/5' };
    await (await cache.ask(`${BLOB_PATH}?x=1`, { headers })).bytes();
    await cache.tells('fill-finished');
    await (await cache.ask(BLOB_PATH, { headers })).bytes();
    await (await cache.ask('/v2/lib/app/manifests/none')).bytes();
    await cache.tells('request', 3);
    const [miss, hit, error] = cache.told('request');
    expect(miss).toMatchObject({
      method: 'GET',
      target: `${BLOB_PATH}?x=1`,
      status: 200,
      outcome: 'miss',
      namespace: new URL(origin.url).host,
      repository: 'lib/app',
      reference: BLOB.digest,
      bytesSent: BLOB.sizeBytes,
      client: '127.0.0.1',
      userAgent: 'podman/5',
      complete: true,
    });
    expect(miss?.upstreamMs).toBeGreaterThan(0);
    expect(miss?.durationMs).toBeGreaterThanOrEqual(miss?.upstreamMs ?? Infinity);
    expect(hit).toMatchObject({ outcome: 'hit', bytesSent: BLOB.sizeBytes, upstreamMs: undefined });
    expect(error).toMatchObject({ status: 404, outcome: 'miss', reference: 'none', complete: true });
    expect(new Set([miss?.id, hit?.id, error?.id]).size).toBe(3);
  });

  it('tells of a bypass though the disk has failed only in the middle', async () => {
    const origin = await startScriptedUpstream();
    origin.always('GET', BLOB_PATH, sends(BLOB));
    const cache = await start(origin);
    using full = fullDisk(0);
    expect(full).toBeDefined();
    expect(await (await cache.ask(BLOB_PATH)).bytes()).toHaveLength(BLOB.sizeBytes);
    await cache.tells('request');
    expect(cache.told('request')[0]).toMatchObject({
      outcome: 'bypass',
      missReason: undefined,
      complete: true,
    });
  });

  it('counts no body for HEAD, and cuts a target at a kibibyte', async () => {
    const origin = await startScriptedUpstream();
    origin.on('HEAD', BLOB_PATH, sends(BLOB));
    const cache = await start(origin);
    await cache.ask(BLOB_PATH, { method: 'HEAD' });
    await cache.ask(`/${'x'.repeat(2000)}`, { headers: { 'user-agent': 'y'.repeat(2000) } });
    await cache.tells('request', 2);
    const [head, long] = cache.told('request');
    expect(head).toMatchObject({ method: 'HEAD', bytesSent: 0, complete: true });
    expect([long?.target.length, long?.userAgent?.length, long?.outcome]).toEqual([1024, 1024, undefined]);
  });

  it('tells of a client that left', async () => {
    const origin = await startScriptedUpstream();
    origin.on('GET', BLOB_PATH, sends(BLOB, { hangAfterBytes: 50_000 }));
    const cache = await start(origin);
    const answer = await cache.ask(BLOB_PATH);
    await answer.firstByte();
    answer.leave();
    await cache.tells('request');
    expect(cache.told('request')[0]).toMatchObject({ status: 200, complete: false });
    expect(cache.told('internal-error')).toEqual([]);
  });
});

describe('credentials', () => {
  const basic = `Basic ${Buffer.from('robot:s3cret-password').toString('base64')}`;
  const hidden = ['s3cret', basic.slice('Basic '.length), 'token-of-the-realm', 'client-token'];

  it('stand in no line of any log, nor in an answer', async () => {
    const origin = await startScriptedUpstream();
    const challenge = `Bearer realm="${origin.url}/token",service="s"`;
    origin
      .always(
        'GET',
        '/token',
        challenges('Basic realm="t"', basic, saysJson({ token: 'token-of-the-realm' })),
      )
      .always('GET', BLOB_PATH, challenges(challenge, 'Bearer token-of-the-realm', sends(BLOB)))
      .always(
        'GET',
        '/v2/lib/app/manifests/v1',
        challenges(challenge, 'Bearer token-of-the-realm', says(500)),
      )
      .always('GET', '/v2/lib/app/tags/list', says(401, { 'www-authenticate': 'Bearer realm="nonsense"' }));
    // Further keys of the same upstream, as YAML goes.
    const cache = await startCache({
      origin: `${origin.url}\n            username: robot\n            password: s3cret-password`,
    });
    opened.push(origin, cache);
    const headers = { authorization: 'Bearer client-token' };
    const answers = [];
    for (const path of [BLOB_PATH, '/v2/lib/app/manifests/v1', '/v2/lib/app/tags/list']) {
      const answer = await cache.ask(path, { headers });
      answers.push(answer.status, JSON.stringify(answer.headers), (await answer.bytes()).toString('latin1'));
    }
    expect([answers[0], answers[3], answers[6]]).toEqual([200, 502, 502]);
    await cache.tells('request', 3);
    await cache.tells('fill-finished');
    const text = (await everyLine(cache)) + answers.join('\n');
    expect(text).toContain('upstream-failed');
    for (const secret of hidden) expect(text).not.toContain(secret);
  });

  it('in a target of absolute form are left out of its line', async () => {
    const cache = await start(await startScriptedUpstream());
    const socket = connect(Number(new URL(cache.url).port), '127.0.0.1');
    socket.write(
      'GET http://robot:s3cret@cache.test/v2/ HTTP/1.1\r\nHost: cache.test\r\nConnection: close\r\n\r\n',
    );
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 404/);
    socket.destroy();
    await cache.tells('request');
    expect(cache.told('request')[0]?.target).toBe('http://cache.test/v2/');
  });
});
