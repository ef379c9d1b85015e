import { expect, test } from 'vitest';
import { seededContent } from '../bench/image/content.ts';
import { startEmbeddedOrigin } from '../../fixtures/embedded-origin.ts';
import { startCache } from '../../fixtures/running-cache.ts';
import { startScriptedUpstream } from '../../fixtures/scripted-upstream.ts';
import { seedImage } from '../bench/image/seeded-image.ts';
import { SteppedBlob } from '../../fixtures/stepped-blob.ts';

const SIZE_BYTES = 1_000_000;

test('many clients of a cold image cost the origin each blob and manifest once', async () => {
  await using origin = await startEmbeddedOrigin();
  const image = await seedImage({
    seed: 'http',
    layerBytes: [300_000, 50_000],
    architectures: ['amd64', 'arm64'],
  });
  origin.addImage('team/app', 'latest', image);
  await using cache = await startCache({ origin: origin.url });
  const contents = [...image.manifests.map(({ content }) => content), ...image.blobs];
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const [index, { digest }] of contents.entries()) {
        const noun = index < image.manifests.length ? 'manifests' : 'blobs';
        const answer = await cache.ask(`/v2/team/app/${noun}/${digest}`);
        expect(answer.status).toBe(200);
        await expect(answer.digest()).resolves.toMatchObject({ digest });
      }
    }),
  );
  expect(origin.requests.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(
    contents
      .map(
        ({ digest }, index) =>
          `GET /v2/team/app/${index < image.manifests.length ? 'manifests' : 'blobs'}/${digest}`,
      )
      .toSorted(),
  );
});

test('wrong bytes end the client’s transfer short, and its next request gets a 502', async () => {
  await using origin = await startEmbeddedOrigin();
  const content = seededContent('wrong over http', SIZE_BYTES);
  const path = origin.addBlob('team/app', content);
  for (const chunked of [false, true]) {
    origin.shape(content.digest, { wrongByteAt: 10, chunked });
    await using cache = await startCache({ origin: origin.url });
    const before = origin.count('GET', path);
    const answer = await cache.ask(path);
    expect(answer.status).toBe(200);
    const { complete, sizeBytes } = await answer.drain();
    expect(complete).toBe(false);
    expect(sizeBytes).toBeLessThan(SIZE_BYTES);
    expect(cache.told('digest-mismatch')).toHaveLength(1);
    const again = await cache.ask(path);
    expect(again.status).toBe(502);
    expect(again.headers['retry-after']).toBe('60');
    expect(origin.count('GET', path) - before).toBe(1);
    expect(cache.told('internal-error')).toEqual([]);
  }
});

test('a client that goes away in the middle harms no other, and the fill is finished', async () => {
  await using upstream = await startScriptedUpstream();
  const content = seededContent('goes away over http', SIZE_BYTES);
  const path = `/v2/team/app/blobs/${content.digest}`;
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await startCache({ origin: upstream.url });
  const leaving = await cache.ask(path);
  const staying = await cache.ask(path);
  await blob.sendTo(400_000);
  await leaving.firstByte();
  leaving.leave();
  await blob.finish();
  await expect(staying.digest()).resolves.toMatchObject({ digest: content.digest, sizeBytes: SIZE_BYTES });
  await cache.tells('fill-finished');
  expect(cache.told('internal-error')).toEqual([]);
});

test('a range of a cold blob is answered 206 while the fill runs', async () => {
  await using upstream = await startScriptedUpstream();
  const content = seededContent('range over http', SIZE_BYTES);
  const path = `/v2/team/app/blobs/${content.digest}`;
  const blob = new SteppedBlob(content);
  upstream.on('GET', path, blob.answer);
  await using cache = await startCache({ origin: upstream.url });
  const asked = cache.ask(path, { headers: { range: 'bytes=500000-599999' } });
  await blob.sendTo(700_000);
  const answer = await asked;
  expect(answer.status).toBe(206);
  expect(answer.headers['content-range']).toBe(`bytes 500000-599999/${SIZE_BYTES}`);
  expect((await answer.bytes()).equals(content.read(500_000, 100_000))).toBe(true);
  expect(cache.told('fill-finished')).toEqual([]);
  await blob.finish();
  await cache.tells('fill-finished');
});
