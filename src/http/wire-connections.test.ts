import { describe, expect, test } from 'vitest';
import { says, saysJson } from '../../fixtures/behaviour.ts';
import { ask } from '../../fixtures/client.ts';
import { seededContent } from '../bench/image/content.ts';
import { openRaw } from '../../fixtures/raw-client.ts';
import { startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { STATES, startWireCache } from '../../fixtures/wire-cache.ts';
import { systemClock } from '../async/clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { Daemon } from '../daemon.ts';
import { Telemetry } from '../telemetry/telemetry.ts';

/** containerd closes a connection that it has not used for 30 s; a server that does so earlier races with it. */
const CLIENTS_KEEP_S = 30;

describe('line 12: lists of tags', () => {
  const path = '/v2/lib/app/tags/list';
  const TAGS = ['a', 'b', 'c', 'd', 'e'];

  test('are walked page by page through two caches, by their own links', async () => {
    await using origin = await startScriptedUpstream();
    origin.always('GET', path, (exchange) => {
      const { searchParams } = new URL(exchange.record.url, origin.url);
      const from = TAGS.indexOf(searchParams.get('last') ?? '') + 1;
      const tags = TAGS.slice(from, from + Number(searchParams.get('n')));
      const next = `${origin.url}${path}?last=${tags.at(-1)}&n=${searchParams.get('n')}`;
      const link = from + tags.length < TAGS.length ? { link: `<${next}>; rel="next"` } : {};
      return saysJson({ name: 'lib/app', tags }, link)(exchange);
    });
    const ns = new URL(origin.url).host;
    await using asia = await startCache({ origin: origin.url });
    await using china = await startCache({ origin: origin.url, hop: asia.url });
    for (const start of [
      `${path}?n=2`,
      `${path}?n=2&ns=${ns}`,
      `/${ns}${path}?n=2`,
      `/v2/${ns}/lib/app/tags/list?n=2`,
    ]) {
      const seen: string[] = [];
      for (let next: string | undefined = start; next !== undefined;) {
        const answer = await china.ask(next);
        const page: { tags: string[] } = JSON.parse((await answer.bytes()).toString());
        seen.push(...page.tags);
        next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers['link']))?.[1];
        expect(next?.startsWith('/') ?? true).toBe(true);
      }
      expect([start, seen]).toEqual([start, TAGS]);
    }
  });

  test('are asked for every time, and fail with the upstream', async () => {
    await using origin = await startScriptedUpstream();
    origin
      .on('GET', path, saysJson({ tags: ['a'] }))
      .on('GET', path, saysJson({ tags: ['b'] }))
      .on('GET', path, says(503));
    await using cache = await startCache({ origin: origin.url });
    const bodies = [await cache.ask(path), await cache.ask(path)].map(async (answer) =>
      (await answer.bytes()).toString(),
    );
    expect(await Promise.all(bodies)).toEqual(['{"tags":["a"]}', '{"tags":["b"]}']);
    const failed = await cache.ask(path);
    expect([failed.status, failed.headers['retry-after']]).toEqual([503, '5']);
  });
});

describe('line 13: connections', () => {
  test.each(STATES)(
    'outlive those of the clients, and carry one request after the other, on a %s',
    async (state) => {
      await using wire = await startWireCache();
      const blob = await wire.blob(state);
      using connection = await openRaw(wire.cache.url);
      const head = `HEAD ${blob.path} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const part = `GET ${blob.path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-99\r\n\r\n`;
      const none = `GET ${blob.path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: ${blob.etag}\r\n\r\n`;
      const wrong = `GET ${blob.path.toUpperCase()} HTTP/1.1\r\nHost: x\r\n\r\n`;
      connection.send(`${head}${part}${none}${wrong}`);
      const answers = [await connection.answer('HEAD'), await connection.answer(), await connection.answer()];
      answers.push(await connection.answer());
      expect(answers.map((answer) => answer?.status)).toEqual([200, 206, 304, 404]);
      expect(answers[1]?.body.equals(blob.bytes.subarray(0, 100))).toBe(true);
      for (const answer of answers) {
        const keptS = Number(/^timeout=(\d+)$/.exec(answer?.headers['keep-alive'] ?? '')?.[1]);
        expect(keptS).toBeGreaterThan(CLIENTS_KEEP_S);
      }
      await blob.finish();
    },
  );

  test('of clients that send their headers too slowly are closed; a slow body is not', async () => {
    await using folder = await tempFolder();
    await using origin = await startScriptedUpstream();
    const content = seededContent('slow', 100_000);
    const path = `/v2/lib/app/blobs/${content.digest}`;
    const stepped = new SteppedBlob(content);
    origin.on('GET', path, stepped.answer);
    const { config } = await loadConfig({
      file: 'config.yml',
      env: {},
      readFile: () =>
        Promise.resolve(`version: 0.1
storage: {filesystem: {rootdirectory: ${folder.path}}}
http: {addr: "127.0.0.1:0", limits: {headertime: 200ms, headersize: 4KiB}}
proxy: {remoteurl: ${origin.url}}
`),
    });
    await using daemon = await Daemon.start(config, { clock: systemClock, telemetry: new Telemetry() });
    const answer = await ask(`${daemon.url}${path}`);
    await stepped.sendTo(50_000);
    using slow = await openRaw(daemon.url);
    slow.send('GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Slow:');
    expect((await slow.answer())?.status).toBe(408);
    await slow.ended();
    expect((await ask(`${daemon.url}/v2/`, { headers: { x: 'y'.repeat(5000) } })).status).toBe(431);
    await stepped.finish();
    expect((await answer.bytes()).equals(content.read(0, 100_000))).toBe(true);
  });
});
