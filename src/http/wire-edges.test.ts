import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { fullDisk } from '../../fixtures/broken-disk.ts';
import { hangs, says, saysJson, sends } from '../../fixtures/behaviour.ts';
import { makeCertificateAuthority, writeCertificate } from '../certs/certificate-authority.ts';
import { ask } from '../../fixtures/client.ts';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { openRaw } from '../../fixtures/raw-client.ts';
import type { Answerer } from '../../fixtures/recording-server.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { systemClock } from '../async/clock.ts';
import { loadConfig } from '../config/load-config.ts';
import { Daemon } from '../daemon.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';
import { Telemetry } from '../telemetry/telemetry.ts';

const SIZE_BYTES = 200_000;

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function start(
  downstream: readonly string[] = [],
): Promise<{ origin: ScriptedUpstream; cache: RunningCache }> {
  const origin = await startScriptedUpstream();
  opened.push(origin);
  const cache = await startCache({ origin: origin.url, downstream });
  opened.push(cache);
  return { origin, cache };
}

function pathOf({ digest }: Content): string {
  return `/v2/lib/app/blobs/${digest}`;
}

describe('with fillafterabort off, a moment without a client', () => {
  test('does not start the fill again', async () => {
    const content = seededContent('moment', SIZE_BYTES);
    const { origin, cache } = await start(['fillafterabort: false', 'ranges: {connections: 1}']);
    const stepped = new SteppedBlob(content);
    origin.on('GET', pathOf(content), stepped.answer).always('GET', pathOf(content), sends(content));
    const first = await cache.ask(pathOf(content));
    await stepped.sendTo(100_000);
    await first.firstByte();
    first.leave();
    await cache.tells('request');
    const second = await cache.ask(pathOf(content), { headers: { range: 'bytes=50000-' } });
    await stepped.finish().catch(() => undefined);
    expect((await second.bytes()).equals(content.read(50_000, SIZE_BYTES))).toBe(true);
    expect(origin.count('GET', pathOf(content))).toBe(1);
  });
});

describe('line 6: the headers come within timeouts.headers', () => {
  const LIMIT_MS = 1000;
  /** Each answer in good time, for itself. */
  const late =
    (answer: Answerer): Answerer =>
    async (exchange) => {
      await sleep(LIMIT_MS * 0.6);
      await answer(exchange);
    };

  test('of everything that it takes together: the challenge, the token, the redirect', async () => {
    const content = seededContent('late', SIZE_BYTES);
    const { origin, cache } = await start([`timeouts: {headers: ${LIMIT_MS}ms}`]);
    const bearer = `Bearer realm="${origin.url}/token",service="s"`;
    origin
      .on('GET', pathOf(content), late(says(401, { 'www-authenticate': bearer })))
      .on('GET', '/token', late(saysJson({ token: 't' })))
      .on('GET', pathOf(content), late(says(307, { location: '/moved' })))
      .on('GET', '/moved', late(sends(content)));
    const answer = await cache.ask(pathOf(content));
    answer.leave();
    expect(answer.status).toBe(504);
  });

  test('of all hops and the origin together', async () => {
    const content = seededContent('late hops', SIZE_BYTES);
    const { origin } = await start();
    const silent = await startScriptedUpstream();
    const deaf = await startScriptedUpstream();
    opened.push(silent, deaf);
    for (const hop of [silent, deaf])
      hop.always('GET', pathOf(content), hangs()).always('GET', '/v2/', says(200));
    origin.always('GET', pathOf(content), hangs());
    const cache = await startCache({
      origin: origin.url,
      hop: `${silent.url}\n              - ${deaf.url}`,
      downstream: [`timeouts: {headers: ${LIMIT_MS}ms}`],
    });
    opened.push(cache);
    const patience = AbortSignal.timeout(LIMIT_MS * 2.5);
    expect((await cache.ask(pathOf(content), { signal: patience })).status).toBe(504);
  });
});

describe('line 7: several ranges of a blob that the disk does not take', () => {
  test('are those ranges, or the whole', async () => {
    const content = seededContent('bypassed', SIZE_BYTES);
    const { origin, cache } = await start();
    origin.always('GET', pathOf(content), sends(content));
    await breakTempFolder(cache);
    const answer = await cache.ask(pathOf(content), { headers: { range: 'bytes=0-9,100000-100009' } });
    const body = (await answer.bytes()).toString('latin1');
    expect(answer.headers['cache-status']).toContain('fwd=bypass');
    expect(body).toContain(content.read(100_000, 10).toString('latin1'));
  });

  test('are those ranges where the disk fails in the middle', async () => {
    const content = seededContent('bypassed later', SIZE_BYTES);
    const { origin, cache } = await start();
    const stepped = new SteppedBlob(content);
    origin.on('GET', pathOf(content), stepped.answer).always('GET', pathOf(content), sends(content));
    using _disk = fullDisk(60_000);
    const answer = await cache.ask(pathOf(content), {
      headers: { range: 'bytes=70000-70009,150000-150009' },
    });
    await stepped.finish().catch(() => undefined);
    const body = (await answer.bytes()).toString('latin1');
    expect(body).toContain(content.read(70_000, 10).toString('latin1'));
    expect(body).toContain(content.read(150_000, 10).toString('latin1'));
  });

  async function breakTempFolder({ root }: RunningCache): Promise<void> {
    await rm(`${root}/regcache/tmp`, { recursive: true });
    await writeFile(`${root}/regcache/tmp`, '');
  }
});

describe('line 8: a failure after the headers', () => {
  test.each(['wrong', 'cut'])(
    'is never met by a client of HTTP/1.0 where no length is told: it could not see it (%s)',
    async (how) => {
      const content = seededContent(`old ${how}`, SIZE_BYTES);
      const { origin, cache } = await start();
      const broken = how === 'wrong' ? { wrongByteAt: 5 } : { cutAfterBytes: 100_000 };
      origin
        .on('GET', pathOf(content), sends(content, { chunked: true, ...broken }))
        .always('GET', pathOf(content), says(404));
      using client = await openRaw(cache.url);
      client.send(`GET ${pathOf(content)} HTTP/1.0\r\n\r\n`);
      const answer = await client.answer();
      expect(answer?.status).toBe(502);
    },
  );

  test('is not met over TLS either, and ends no daemon', async () => {
    const content = seededContent('old and secret', SIZE_BYTES);
    await using folder = await tempFolder();
    const authority = await makeCertificateAuthority();
    const { certificate, key } = await writeCertificate(folder.path, 'cache', await authority.issue());
    const origin = await startScriptedUpstream();
    opened.push(origin);
    origin.on('GET', pathOf(content), sends(content, { chunked: true, wrongByteAt: 5 }));
    const { config } = await loadConfig({
      file: 'config.yml',
      env: {},
      readFile: () =>
        Promise.resolve(`version: 0.1
storage: {filesystem: {rootdirectory: ${folder.path}/store}}
http: {addr: "127.0.0.1:0", tls: {certificate: ${certificate}, key: ${key}}}
proxy: {remoteurl: ${origin.url}}
`),
    });
    const daemon = await Daemon.start(config, { clock: systemClock, telemetry: new Telemetry() });
    opened.push(daemon);
    using client = await openRaw(daemon.url, authority.certificatePem);
    client.send(`GET ${pathOf(content)} HTTP/1.0\r\n\r\n`);
    const answer = await client.answer();
    expect((await ask(`${daemon.url}/v2/`, { ca: authority.certificatePem })).status).toBe(200);
    expect(answer?.status).toBe(502);
  });
});

describe('an upstream’s trail', () => {
  test.each(['via', 'cache-status', 'server-timing'])(
    'of %s that no client could take is left out',
    async (name) => {
      const manifest = bytesContent(Buffer.from('{"schemaVersion":2}'));
      const { origin, cache } = await start();
      const value = Array.from({ length: 1500 }, (_, at) =>
        name === 'via' ? `1.1 h${at} (x)` : `h${at};dur=1`,
      ).join(', ');
      origin.on(
        'GET',
        '/v2/lib/app/manifests/v1',
        sends(manifest, { contentType: OCI_MANIFEST, headers: { [name]: value } }),
      );
      expect((await cache.ask('/v2/lib/app/manifests/v1')).status).toBe(200);
    },
  );
});

describe('a request that RFC 9112 has refused', () => {
  test.each([
    ['two hosts', 'GET /v2/ HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n'],
    ['a host that is none', 'GET /v2/ HTTP/1.1\r\nHost: a b/<x>\r\n\r\n'],
    ['CONNECT', 'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n'],
  ])('is answered with 4xx: %s', async (_what, text) => {
    const { cache } = await start();
    using client = await openRaw(cache.url);
    client.send(text);
    expect([400, 405, 501]).toContain((await client.answer())?.status);
  });
});
