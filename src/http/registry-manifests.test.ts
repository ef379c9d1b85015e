import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sends } from '../../fixtures/behaviour.ts';
import { bytesContent } from '../bench/image/content.ts';
import { type RunningCache, startCache } from '../../fixtures/running-cache.ts';
import { type ScriptedUpstream, startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { OCI_MANIFEST } from '../oci/media-type.ts';

const CONFIG = bytesContent(Buffer.from('{}'));
/** Odd white space and no final newline: what counts is the bytes. */
const TEXT = `{ "schemaVersion":2,\n\t"mediaType":"${OCI_MANIFEST}","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"${CONFIG.digest}","size":2},"layers":[] }`;
const MANIFEST = bytesContent(Buffer.from(TEXT));
const BY_TAG = '/v2/lib/app/manifests/v1';
const BY_DIGEST = `/v2/lib/app/manifests/${MANIFEST.digest}`;

let origin: ScriptedUpstream;
let cache: RunningCache;
beforeAll(async () => {
  origin = await startScriptedUpstream();
  const manifest = sends(MANIFEST, { contentType: OCI_MANIFEST });
  for (const path of [BY_TAG, BY_DIGEST]) origin.always('GET', path, manifest).always('HEAD', path, manifest);
  cache = await startCache({ origin: origin.url });
});
afterAll(async () => {
  await cache[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

describe('ping', () => {
  it.each(['/v2/', '/v2', '/127.0.0.1/v2/'])('at %s says what this is, to GET and HEAD', async (path) => {
    const where = path.startsWith('/127') ? `/${new URL(origin.url).host}/v2/` : path;
    const answer = await cache.ask(where);
    expect([answer.status, (await answer.bytes()).toString()]).toEqual([200, '{}']);
    expect(answer.headers['docker-distribution-api-version']).toBe('registry/2.0');
    expect(answer.headers['via']).toMatch(/^1\.1 \S+ \([0-9a-f-]{8,}\)$/);
    expect((await cache.ask(where, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('a manifest', () => {
  it.each([
    ['HEAD', BY_TAG],
    ['HEAD', BY_DIGEST],
    ['GET', BY_TAG],
    ['GET', BY_DIGEST],
    ['HEAD', BY_TAG],
    ['HEAD', BY_DIGEST],
    ['GET', BY_TAG],
  ])('has its type, size, digest and tag on %s %s, held or not', async (method, path) => {
    const answer = await cache.ask(path, { method });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': OCI_MANIFEST,
      'content-length': String(MANIFEST.sizeBytes),
      'docker-content-digest': MANIFEST.digest,
      etag: `"${MANIFEST.digest}"`,
    });
    expect((await answer.bytes()).toString()).toBe(method === 'HEAD' ? '' : TEXT);
  });

  it.each(['application/json', 'application/vnd.docker.distribution.manifest.v2+json', 'text/html', '*/*'])(
    'is never converted: `Accept: %s` gets the same bytes',
    async (accept) => {
      const answer = await cache.ask(BY_TAG, { headers: { accept } });
      expect(answer.headers['content-type']).toBe(OCI_MANIFEST);
      expect((await answer.bytes()).toString()).toBe(TEXT);
    },
  );

  it('is never compressed, though containerd would take it', async () => {
    const answer = await cache.ask(BY_TAG, {
      headers: { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' },
    });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect((await answer.bytes()).toString()).toBe(TEXT);
    for (const { headers } of origin.requests) expect(headers['accept-encoding']).toBe('identity');
  });

  it('is not sent again to whoever has it', async () => {
    for (const path of [BY_TAG, BY_DIGEST]) {
      const answer = await cache.ask(path, { headers: { 'if-none-match': `"${MANIFEST.digest}"` } });
      expect([answer.status, (await answer.bytes()).length]).toEqual([304, 0]);
      expect(answer.headers['docker-content-digest']).toBe(MANIFEST.digest);
      const other = await cache.ask(path, { headers: { 'if-none-match': '"sha256:other"' } });
      expect(other.status).toBe(200);
    }
  });

  it('keeps a connection for the next request', async () => {
    const answer = await cache.ask(BY_DIGEST, { headers: { connection: 'keep-alive' } });
    expect(answer.headers.connection).toBe('keep-alive');
    expect(Number(/timeout=(\d+)/.exec(String(answer.headers['keep-alive']))?.[1])).toBeGreaterThan(30);
  });
});
