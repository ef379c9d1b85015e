import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask } from '../fixtures/client.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { type RunningCache, type RunningCacheOptions, startCache } from '../fixtures/running-cache.ts';
import { readScrape, type Scraped } from '../fixtures/scraped.ts';
import { readStoreTree } from '../fixtures/store-tree.ts';
import { tempFolder } from '../fixtures/temp-folder.ts';
import { seededContent } from './bench/image/content.ts';
import { seedImage } from './bench/image/seeded-image.ts';
import { makeCertificateAuthority, writeCertificate } from './certs/certificate-authority.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

async function kept<T extends AsyncDisposable>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  opened.push(started);
  return started;
}

const DEBUG = 'debug: {addr: "127.0.0.1:0", prometheus: {enabled: true}}';

async function startWatched(
  options: Partial<RunningCacheOptions> & { origin: string },
): Promise<RunningCache> {
  return await kept(startCache({ http: DEBUG, downstream: ['prefetch: false'], ...options }));
}

/** What the debug server answers, as `200 body`. */
async function told(cache: RunningCache, path: string): Promise<string> {
  const url = cache.told('listening').find(({ role }) => role === 'debug')?.url;
  const answer = await ask(`${url}${path}`);
  return `${answer.status} ${(await answer.bytes()).toString().trim()}`;
}

async function scrape(cache: RunningCache): Promise<Scraped> {
  const answer = await told(cache, '/metrics');
  expect(answer.slice(0, 4)).toBe('200 ');
  return readScrape(answer.slice(4));
}

describe('metrics of a running cache', () => {
  it('tell what clients got, what it cost, and what is stored', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const image = await seedImage({ seed: 'watched', layerBytes: [3_000_000, 2000] });
    origin.addImage('lib/app', 'v1', image);
    const cache = await startWatched({ origin: origin.url });
    const paths = [
      '/v2/lib/app/manifests/v1',
      ...image.blobs.map(({ digest }) => `/v2/lib/app/blobs/${digest}`),
    ];
    let sentBytes = 0;
    const pull = async (wanted: readonly string[]): Promise<void> => {
      for (const path of wanted) sentBytes += (await (await cache.ask(path)).drain()).sizeBytes;
    };
    await pull(paths);
    await cache.tells('fill-finished', image.blobs.length);
    await pull(paths.slice(1));
    await cache.tells('request', 2 * paths.length - 1);
    const { value } = await scrape(cache);
    const namespace = new URL(origin.url).host;
    const blobs = { resource: 'blob', namespace };
    expect(value('regcache_requests_total', { ...blobs, outcome: 'hit' })).toBe(image.blobs.length);
    expect(value('regcache_requests_total', { ...blobs, outcome: 'miss' })).toBe(image.blobs.length);
    expect(value('regcache_requests_total', { resource: 'manifest', outcome: 'miss', namespace })).toBe(1);
    expect(value('regcache_misses_total', { reason: 'new', namespace })).toBe(paths.length);
    expect(value('regcache_sent_bytes_total', { namespace })).toBe(sentBytes);
    expect(value('regcache_answer_bytes_total', { namespace })).toBe(sentBytes);
    const blobBytes = image.blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const from = { namespace, upstream: namespace };
    expect(value('regcache_received_bytes_total', { ...from, lane: 'blob' })).toBe(blobBytes);
    expect(value('regcache_received_bytes_total', { ...from, lane: 'talk' })).toBe(
      image.root.content.sizeBytes,
    );
    expect(value('registry_proxy_pulled_bytes_total', { type: 'blob' })).toBe(blobBytes);
    expect(value('regcache_upstream_answers_total', { ...from, lane: 'blob', result: 'answered' })).toBe(
      image.blobs.length,
    );
    expect(value('regcache_upstream_up', { ...from, role: 'origin' })).toBe(1);
    expect(value('regcache_fills_finished_total', { upstream: namespace })).toBe(image.blobs.length);
    const { digests } = await readStoreTree(cache.root);
    expect(value('regcache_store_blobs')).toBe(digests.length);
    expect(value('regcache_store_bytes')).toBe(blobBytes + image.root.content.sizeBytes);
    expect(value('regcache_store_writable')).toBe(1);
    expect(value('regcache_store_filesystem_free_bytes')).toBeGreaterThan(0);
  });

  it('tell of a fill that runs, and who waits for it', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const blob = seededContent('slow', 4_000_000);
    const path = origin.addBlob('lib/app', blob);
    origin.shape(blob.digest, { bytesPerSecond: 100_000 });
    const cache = await startWatched({ origin: origin.url });
    const answers = await Promise.all([cache.ask(path), cache.ask(path)]);
    for (const answer of answers) await answer.firstByte();
    const { value } = await scrape(cache);
    expect(value('regcache_running_fills', { ahead: 'false' })).toBe(1);
    expect(value('regcache_fill_followers')).toBe(2);
    expect(value('regcache_open_requests')).toBe(2);
    for (const answer of answers) answer.leave();
  });

  it('know when the certificates end that the configuration names, after a reload too', async () => {
    const folder = await kept(tempFolder('certificates'));
    const authority = await makeCertificateAuthority('watched CA');
    const ca = await authority.write(folder.path, 'trusted');
    const origin = await kept(startEmbeddedOrigin({ tls: await authority.issue() }));
    const cache = await startWatched({ origin: origin.url, downstream: [`cas: [${ca}]`] });
    const name = 'regcache_certificate_expiry_timestamp_seconds';
    const first = await scrape(cache);
    expect(first.value(name, { role: 'ca', file: 'trusted.pem' })).toBeGreaterThan(Date.now() / 1000);
    const pair = await writeCertificate(folder.path, 'client', await authority.issue());
    await cache.reload({
      origin: `${origin.url}\n            certificate: ${pair.certificate}\n            key: ${pair.key}`,
    });
    const second = await scrape(cache);
    expect(second.value(name, { role: 'client', file: 'client.pem' })).toBeGreaterThan(Date.now() / 1000);
  });

  it('are not served where they are not enabled', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const cache = await startWatched({ origin: origin.url, http: 'debug: {addr: "127.0.0.1:0"}' });
    expect(await told(cache, '/metrics')).toBe('404 not found');
    expect(await told(cache, '/debug/health')).toBe('200 {}');
  });

  it('are served where the configuration wants them', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const http = 'debug: {addr: "127.0.0.1:0", prometheus: {enabled: true, path: /debug/prom}}';
    const cache = await startWatched({ origin: origin.url, http });
    expect(await told(cache, '/debug/prom')).toContain('regcache_build_info');
    expect(await told(cache, '/metrics')).toBe('404 not found');
  });
});

describe('readiness of a running cache', () => {
  it('is told until it drains; running answers go on meanwhile', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const blob = seededContent('drained', 1_000_000);
    const path = origin.addBlob('lib/app', blob);
    origin.shape(blob.digest, { bytesPerSecond: 500_000 });
    const cache = await startWatched({ origin: origin.url, http: `draintimeout: 30s, ${DEBUG}` });
    expect(await told(cache, '/readyz')).toBe('200 {"status":"ready","problems":{}}');
    const answer = await cache.ask(path);
    await answer.firstByte();
    const stopped = cache.daemon.stop(new AbortController().signal);
    expect(await told(cache, '/readyz')).toBe('503 {"status":"draining","problems":{}}');
    expect(await told(cache, '/livez')).toBe('200 {"status":"live"}');
    expect((await answer.drain()).complete).toBe(true);
    await stopped;
    await expect(told(cache, '/livez')).rejects.toThrow('ECONNREFUSED');
    opened.pop();
  });

  it('goes on while the upstream is down, and says so', async () => {
    const origin = await startEmbeddedOrigin();
    const { url } = origin;
    await origin[Symbol.asyncDispose]();
    const cache = await startWatched({ origin: url });
    await (await cache.ask('/v2/lib/app/manifests/v1')).drain();
    const { host } = new URL(url);
    const answer = await told(cache, '/readyz');
    expect(answer.slice(0, 4)).toBe('200 ');
    expect(JSON.parse(answer.slice(4))).toEqual({
      status: 'ready',
      problems: { [`namespace ${host}`]: expect.any(String), [`upstream ${host}`]: 'connection refused' },
    });
    const { value } = await scrape(cache);
    expect(value('regcache_upstream_up', { upstream: host })).toBe(0);
    expect(value('regcache_upstream_downs_total', { upstream: host })).toBe(1);
    expect(value('regcache_upstream_answers_total', { upstream: host, result: 'connect' })).toBe(1);
  });

  it('names the store from a write that failed to the next that works, be it of a manifest alone', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const image = await seedImage({ seed: 'recovers', layerBytes: [2000] });
    origin.addImage('lib/app', 'v1', image);
    const cache = await startWatched({ origin: origin.url });
    const temporary = join(cache.root, 'regcache', 'tmp');
    await rename(temporary, `${temporary}.away`);
    await writeFile(temporary, '');
    for (const { digest } of image.blobs) await (await cache.ask(`/v2/lib/app/blobs/${digest}`)).drain();
    expect(await told(cache, '/debug/health')).toContain('503 {"storagedriver":"');
    expect(await told(cache, '/readyz')).toContain('200 {"status":"ready","problems":{"store":"');
    expect((await scrape(cache)).value('regcache_store_writable')).toBe(0);
    await rm(temporary);
    await rename(`${temporary}.away`, temporary);
    await (await cache.ask('/v2/lib/app/manifests/v1')).drain();
    expect(await told(cache, '/debug/health')).toBe('200 {}');
    expect(await told(cache, '/readyz')).toBe('200 {"status":"ready","problems":{}}');
    expect((await scrape(cache)).value('regcache_store_writable')).toBe(1);
  });

  it('ends while a file is there that a check names, also after a reload', async () => {
    const origin = await kept(startEmbeddedOrigin());
    const folder = await kept(tempFolder('away'));
    const file = join(folder.path, 'away');
    const cache = await startWatched({
      origin: origin.url,
      lines: [`health: {file: [{file: ${file}, interval: 20ms}]}`],
    });
    await writeFile(file, '');
    const status = (path: string) => async () => (await told(cache, path)).slice(0, 3);
    await expect.poll(status('/readyz')).toBe('503');
    expect(await told(cache, '/debug/health')).toBe(`503 ${JSON.stringify({ [file]: 'file exists' })}`);
    await rm(file);
    await expect.poll(status('/readyz')).toBe('200');
    await cache.reload({ lines: [`health: {file: [{file: ${folder.path}, interval: 20ms}]}`] });
    await expect.poll(status('/readyz')).toBe('503');
    await cache.reload({ lines: [] });
    await expect.poll(status('/readyz')).toBe('200');
  });
});
