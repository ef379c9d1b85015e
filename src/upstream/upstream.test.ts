import { describe, expect, it } from 'vitest';
import { hangs, says, saysJson, sends } from '../../fixtures/behaviour.ts';
import { bytesContent, seededContent } from '../bench/image/content.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { openTestUpstream, PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../oci/media-type.ts';
import { parseReference } from '../oci/reference.ts';

const BLOB = seededContent('upstream', 5000);
const BLOB_PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
const MANIFEST = bytesContent(Buffer.from('{"schemaVersion":2}'));
const TAG = parseReference('v1');
const TAG_PATH = '/v2/lib/app/manifests/v1';

describe('Upstream', () => {
  it('asks for identity, says who it is and which way the request came, and accepts every manifest type', async () => {
    await using server = await startScriptedUpstream();
    server.on('GET', TAG_PATH, sends(MANIFEST, { contentType: `${OCI_MANIFEST}; charset=utf-8` }));
    await using open = await openTestUpstream(server.url);
    const answer = await open.upstream.getManifest(REPOSITORY, TAG, PASSPORT, unending());
    expect(answer).toMatchObject({ kind: 'found', digest: MANIFEST.digest, bytes: MANIFEST.read(0, 100) });
    const { headers, url } = server.requests[0] ?? { headers: {}, url: '' };
    expect(url).toBe(TAG_PATH);
    expect(headers).toMatchObject({
      'accept-encoding': 'identity',
      via: PASSPORT.via,
      'user-agent': 'regcache',
    });
    expect(headers.accept).toContain(OCI_MANIFEST);
    expect(headers.accept).toContain(OCI_INDEX);
    expect(headers.accept).toContain('application/vnd.docker.distribution.manifest.list.v2+json');
    expect(headers.authorization).toBeUndefined();
  });

  it('tells a hop the namespace, also beside a query, and the origin never', async () => {
    await using server = await startScriptedUpstream();
    server.always('GET', '/v2/lib/app/tags/list', saysJson({}));
    await using hop = await openTestUpstream(server.url, { sendNamespace: true, role: 'hop' });
    await using origin = await openTestUpstream(server.url);
    for (const { upstream } of [hop, origin]) {
      await upstream.list({ kind: 'tags', name: REPOSITORY }, new URLSearchParams(), PASSPORT, unending());
      await upstream.list(
        { kind: 'tags', name: REPOSITORY },
        new URLSearchParams({ n: '5', last: 'a&b' }),
        PASSPORT,
        unending(),
      );
    }
    expect(server.requests.map(({ url }) => url.split('list')[1])).toEqual([
      '?ns=dtr.test',
      '?n=5&last=a%26b&ns=dtr.test',
      '',
      '?n=5&last=a%26b',
    ]);
  });

  it.each(['gzip', 'zstd', 'br'])(
    'refuses an answer encoded as %s: it would be other bytes than the digest’s',
    async (encoding) => {
      await using server = await startScriptedUpstream();
      server.always('GET', BLOB_PATH, sends(BLOB, { headers: { 'content-encoding': encoding } }));
      await using open = await openTestUpstream(server.url);
      const asked = open.upstream.openBlob(
        { name: REPOSITORY, digest: BLOB.digest, startBytes: 0 },
        PASSPORT,
        unending(),
      );
      await expect(asked).rejects.toMatchObject({ kind: 'protocol' });
    },
  );

  it('lets `Content-Encoding: identity` pass', async () => {
    await using server = await startScriptedUpstream();
    server.on('HEAD', BLOB_PATH, sends(BLOB, { headers: { 'content-encoding': 'identity' } }));
    await using open = await openTestUpstream(server.url);
    const head = await open.upstream.headBlob(REPOSITORY, BLOB.digest, PASSPORT, unending());
    expect(head).toMatchObject({ kind: 'found', sizeBytes: 5000 });
  });

  it('refuses a HEAD of a blob that tells no size', async () => {
    await using server = await startScriptedUpstream();
    server.on('HEAD', BLOB_PATH, sends(BLOB, { chunked: true }));
    await using open = await openTestUpstream(server.url);
    const asked = open.upstream.headBlob(REPOSITORY, BLOB.digest, PASSPORT, unending());
    await expect(asked).rejects.toMatchObject({ kind: 'protocol' });
  });

  it('opens a blob in its middle, and says where an upstream that ignores ranges begins', async () => {
    await using server = await startScriptedUpstream();
    server.on('GET', BLOB_PATH, sends(BLOB)).on('GET', BLOB_PATH, sends(BLOB, { ignoreRange: true }));
    await using open = await openTestUpstream(server.url);
    for (const startBytes of [4000, 0]) {
      const answer = await open.upstream.openBlob(
        { name: REPOSITORY, digest: BLOB.digest, startBytes: 4000 },
        PASSPORT,
        unending(),
      );
      expect(answer).toMatchObject({ kind: 'found', sizeBytes: 5000, startBytes });
      const body = answer.kind === 'found' ? await answer.body.readAll(1e4) : undefined;
      expect(body).toEqual(BLOB.read(startBytes, 5000));
    }
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=4000-', 'bytes=4000-']);
  });

  it.each(['bytes 3999-4999/5000', 'bytes 4001-4999/5000', 'bytes */5000', 'nonsense', undefined])(
    'refuses a 206 whose range is %s and not the one asked for',
    async (range) => {
      await using server = await startScriptedUpstream();
      server.on('GET', BLOB_PATH, says(206, range === undefined ? {} : { 'content-range': range }, 'x'));
      await using open = await openTestUpstream(server.url);
      const asked = open.upstream.openBlob(
        { name: REPOSITORY, digest: BLOB.digest, startBytes: 4000 },
        PASSPORT,
        unending(),
      );
      await expect(asked).rejects.toMatchObject({ kind: 'protocol' });
    },
  );

  it('asks whether a tag is unchanged, and tells what it is now if not', async () => {
    await using server = await startScriptedUpstream();
    server
      .on('HEAD', TAG_PATH, says(304))
      .on('HEAD', TAG_PATH, sends(MANIFEST, { contentType: OCI_MANIFEST }));
    await using open = await openTestUpstream(server.url);
    const ask = () => open.upstream.headManifest(REPOSITORY, TAG, BLOB.digest, PASSPORT, unending());
    expect(await ask()).toMatchObject({ kind: 'unchanged' });
    expect(await ask()).toMatchObject({
      kind: 'found',
      digest: MANIFEST.digest,
      mediaType: OCI_MANIFEST,
      sizeBytes: MANIFEST.sizeBytes,
      bytes: undefined,
    });
    expect(server.requests[0]?.headers['if-none-match']).toBe(`"${BLOB.digest}"`);
  });

  it('takes neither a digest nor a type on trust that is malformed', async () => {
    await using server = await startScriptedUpstream();
    server.on('HEAD', TAG_PATH, says(200, { 'docker-content-digest': 'sha256:abc', 'content-type': 'junk' }));
    await using open = await openTestUpstream(server.url);
    const answer = await open.upstream.headManifest(REPOSITORY, TAG, undefined, PASSPORT, unending());
    expect(answer).toMatchObject({ kind: 'found', digest: undefined, mediaType: undefined });
  });

  it('refuses a manifest of more than 4 MiB', async () => {
    await using server = await startScriptedUpstream();
    server.on('GET', TAG_PATH, sends(seededContent('big', 4 * 1024 * 1024 + 1)));
    await using open = await openTestUpstream(server.url);
    const asked = open.upstream.getManifest(REPOSITORY, TAG, PASSPORT, unending());
    await expect(asked).rejects.toMatchObject({ kind: 'protocol' });
  });

  it('waits less for headers the more hops wait behind it, but never under five seconds', async () => {
    await using server = await startScriptedUpstream();
    server.always('GET', TAG_PATH, hangs());
    const timeouts = { connectMs: 1_000, headersMs: 200, idleMs: 1_000 };
    await using open = await openTestUpstream(server.url, { timeouts });
    const asked = open.upstream.getManifest(REPOSITORY, TAG, { ...PASSPORT, hopsPassed: 7 }, unending());
    await expect(asked).rejects.toMatchObject({ kind: 'timeout' });
  });

  it('reads the trail of the hops behind', async () => {
    await using server = await startScriptedUpstream();
    const trail = {
      age: '42',
      via: '1.1 asia (x)',
      'cache-status': '"asia"; hit',
      'server-timing': 'upstream;dur=3',
    };
    server.on('GET', '/v2/lib/app/tags/list', saysJson({}, trail));
    server.on('GET', '/v2/lib/app/tags/list', saysJson({}, { age: '-1' }));
    await using open = await openTestUpstream(server.url);
    const ask = () =>
      open.upstream.list({ kind: 'tags', name: REPOSITORY }, new URLSearchParams(), PASSPORT, unending());
    expect((await ask()).trail).toEqual({
      status: 200,
      ageSeconds: 42,
      via: '1.1 asia (x)',
      cacheStatus: '"asia"; hit',
      serverTiming: 'upstream;dur=3',
    });
    expect((await ask()).trail.ageSeconds).toBe(0);
  });
});
