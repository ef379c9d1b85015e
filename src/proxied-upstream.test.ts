import { expect, it } from 'vitest';
import { startConnectProxy } from '../fixtures/connect-proxy.ts';
import { seededContent } from './bench/image/content.ts';
import { startEmbeddedOrigin } from '../fixtures/embedded-origin.ts';
import { startCache } from '../fixtures/running-cache.ts';

it('a cache reaches its origin by the proxy of its environment', async () => {
  await using origin = await startEmbeddedOrigin();
  const blob = seededContent('by proxy', 100_000);
  const path = origin.addBlob('lib/app', blob);
  await using proxy = await startConnectProxy({ credentials: 'user:secret' });
  await using cache = await startCache({
    origin: origin.url.replace('127.0.0.1', 'origin.test'),
    env: { HTTP_PROXY: proxy.url.replace('//', '//user:secret@'), NO_PROXY: 'near.test' },
  });
  const answer = await cache.ask(path);
  await expect(answer.digest()).resolves.toMatchObject({ digest: blob.digest });
  expect(proxy.requests[0]?.target).toMatch(/^http:\/\/origin\.test:\d+\/v2\/lib\/app\/blobs\//);
});

it('a cache does not start with a proxy that is none', async () => {
  const env = { HTTPS_PROXY: 'socks5://user:secret@proxy.test' };
  await expect(startCache({ origin: 'https://origin.test', env })).rejects.toMatchObject({
    code: 'PROXY_UNSUPPORTED',
    message: expect.not.stringContaining('secret') as string,
  });
});
