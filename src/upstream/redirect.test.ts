import { describe, expect, it } from 'vitest';
import { challenges, hangsUp, redirectsTo, says, sends } from '../../fixtures/behaviour.ts';
import { makeCertificateAuthority } from '../certs/certificate-authority.ts';
import { seededContent } from '../bench/image/content.ts';
import { startRawServer } from '../../fixtures/raw-server.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { tempFolder } from '../../fixtures/temp-folder.ts';
import { openTestUpstream, PASSPORT, REPOSITORY, unending } from '../../fixtures/test-upstream.ts';
import type { OpenUpstream } from './open-upstream.ts';

const BLOB = seededContent('redirect', 1000);
const PATH = `/v2/lib/app/blobs/${BLOB.digest}`;
const BASIC = `Basic ${Buffer.from('robot:s3cret').toString('base64')}`;
const CREDENTIALS = { username: 'robot', password: 's3cret' };

async function fetchBlob({ upstream }: OpenUpstream, offsetBytes = 0): Promise<Buffer> {
  const answer = await upstream.openBlob(
    { name: REPOSITORY, digest: BLOB.digest, startBytes: offsetBytes },
    PASSPORT,
    unending(),
  );
  if (answer.kind === 'refused') throw new Error(answer.verdict);
  return await answer.body.readAll(10_000);
}

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308] as const)(
    'are followed to another host on %s, with the range and without the credentials',
    async (status) => {
      await using registry = await startScriptedUpstream();
      await using store = await startScriptedUpstream();
      registry.always(
        'GET',
        PATH,
        challenges('Basic realm="r"', BASIC, redirectsTo(`${store.url}/s3?sig=1`, status)),
      );
      store.always('GET', '/s3', sends(BLOB));
      await using open = await openTestUpstream(registry.url, { credentials: CREDENTIALS });
      expect(await fetchBlob(open, 100)).toEqual(BLOB.read(100, 900));
      await fetchBlob(open);
      expect(registry.requests.at(-1)?.headers.authorization).toBe(BASIC);
      for (const { headers } of store.requests) expect(headers.authorization).toBeUndefined();
      expect(store.requests[0]?.url).toBe('/s3?sig=1');
      expect(store.requests[0]?.headers.range).toBe('bytes=100-');
      expect(store.requests[0]?.headers['accept-encoding']).toBe('identity');
    },
  );

  it('are followed on the same host, relative ones too, with the credentials', async () => {
    await using registry = await startScriptedUpstream();
    registry
      .on('GET', PATH, says(401, { 'www-authenticate': 'Basic realm="r"' }))
      .on('GET', PATH, redirectsTo('../elsewhere'))
      .on('GET', '/v2/lib/app/elsewhere', sends(BLOB));
    await using open = await openTestUpstream(registry.url, { credentials: CREDENTIALS });
    expect(await fetchBlob(open)).toEqual(BLOB.read(0, 1000));
    expect(registry.requests.at(-1)?.headers.authorization).toBe(BASIC);
  });

  it('to another host that challenges get no credentials: its refusal stands', async () => {
    await using registry = await startScriptedUpstream();
    await using store = await startScriptedUpstream();
    registry.on('GET', PATH, redirectsTo(`${store.url}/x`));
    store.on('GET', '/x', says(401, { 'www-authenticate': 'Basic realm="phish"' }));
    await using open = await openTestUpstream(registry.url, { credentials: CREDENTIALS });
    await expect(fetchBlob(open)).rejects.toThrow('denied');
  });

  it('are given up after the fifth', async () => {
    await using registry = await startScriptedUpstream();
    registry.always('GET', PATH, redirectsTo(PATH));
    await using open = await openTestUpstream(registry.url);
    await expect(fetchBlob(open)).rejects.toMatchObject({ kind: 'redirect' });
    expect(registry.requests).toHaveLength(6);
  });

  it('without a Location are no answer of a registry', async () => {
    await using registry = await startScriptedUpstream();
    registry.on('GET', PATH, says(307));
    await using open = await openTestUpstream(registry.url);
    await expect(fetchBlob(open)).rejects.toMatchObject({ kind: 'status', status: 307 });
  });

  it.each([
    'http://[',
    'ftp://files.test/x',
    'http://user@files.test/x',
    'http://:pw@files.test/x',
    'data:,x',
  ])('to %s are refused', async (location) => {
    await using registry = await startScriptedUpstream();
    registry.on('GET', PATH, redirectsTo(location));
    await using open = await openTestUpstream(registry.url);
    await expect(fetchBlob(open)).rejects.toMatchObject({ kind: 'redirect' });
  });

  it('from https to http are refused', async () => {
    await using folder = await tempFolder();
    const ca = await makeCertificateAuthority();
    await using plain = await startScriptedUpstream();
    await using registry = await startScriptedUpstream({ tls: await ca.issue() });
    registry.on('GET', PATH, redirectsTo(`${plain.url}/x`));
    await using open = await openTestUpstream(registry.url, { caFiles: [await ca.write(folder.path, 'ca')] });
    await expect(fetchBlob(open)).rejects.toMatchObject({ kind: 'redirect' });
    expect(plain.requests).toEqual([]);
  });

  it('free the connection that brought them', async () => {
    await using registry = await startScriptedUpstream();
    registry.always('GET', PATH, redirectsTo('/data')).always('GET', '/data', sends(BLOB));
    await using open = await openTestUpstream(registry.url, { connections: 1 });
    for (let round = 0; round < 3; round += 1) await fetchBlob(open);
    expect(new Set(registry.requests.map(({ connectionId }) => connectionId)).size).toBe(1);
  });
});

describe('a connection that was kept', () => {
  it('and died meanwhile costs one more try, at once', async () => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n`;
    let asked = 0;
    await using server = await startRawServer((socket, number) => {
      asked += 1;
      if (number === 1 && asked > 1) socket.resetAndDestroy();
      else socket.write(Buffer.concat([Buffer.from(answer), BLOB.read(0, 1000)]));
    });
    await using open = await openTestUpstream(server.url, { connections: 1 });
    await fetchBlob(open);
    expect(await fetchBlob(open)).toEqual(BLOB.read(0, 1000));
    expect([asked, server.connections]).toEqual([3, 2]);
  });

  it('is not tried a third time', async () => {
    await using registry = await startScriptedUpstream();
    registry.always('GET', PATH, hangsUp());
    await using open = await openTestUpstream(registry.url);
    await expect(fetchBlob(open)).rejects.toMatchObject({ kind: 'cut' });
    expect(registry.requests).toHaveLength(2);
  });
});
