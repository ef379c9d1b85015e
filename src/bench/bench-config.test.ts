import { describe, expect, test } from 'vitest';
import { loadBenchConfig, passwordFor, writtenOptions } from './bench-config.ts';

async function load(text: string) {
  return await loadBenchConfig('bench.yml', async () => Promise.resolve(text));
}

describe('bench.yml', () => {
  test('describes an embedded bench', async () => {
    const config = await load(`
version: 1
client: skopeo
rounds: 8
warm: 3
concurrency: [1, 4]
embedded:
  hops: [beijing, tokyo]
  links: {tokyo-origin: "rtt:120ms,loss:0.1%"}
  image: 4MiB,2x64KiB
variants:
  far: [beijing, tokyo]
  believing:
    hops: [beijing, tokyo]
    options: {tagttl: 1m, prefetch: no, ranges: {connections: 8}}
`);
    expect(config).toMatchObject({
      client: 'skopeo',
      rounds: 8,
      concurrency: [1, 4],
      embedded: {
        hops: ['beijing', 'tokyo'],
        links: { 'tokyo-origin': { roundTripMs: 120, lossRatio: 0.001 } },
        image: { layerBytes: [4_194_304, 65_536, 65_536] },
      },
      variants: { far: ['beijing', 'tokyo'] },
    });
    const believing = config.variants['believing'];
    if (believing === undefined || Array.isArray(believing)) throw new Error('no mapping');
    expect(writtenOptions(believing.options)).toMatchObject({
      tagttl: '1m',
      prefetch: false,
      ranges: { connections: 8 },
    });
  });

  test('describes real servers', async () => {
    const config = await load(`
version: 1
live:
  images: [library/alpine:3, lib/app@sha256:${'a'.repeat(64)}]
  namespace: docker.io
  origin: {url: "https://registry-1.docker.io", username: u, passwordfile: /run/secret, realms: ["https://auth.docker.io"]}
  hops:
    china: {url: "https://china.example:5000", cas: [/certs/china.pem], purge: [ssh, china, purge]}
variants: {china: [china]}
`);
    expect(config.live?.hops['china']).toMatchObject({
      url: 'https://china.example:5000',
      purge: ['ssh', 'china', 'purge'],
    });
    if (config.live === undefined) throw new Error('not live');
    await expect(passwordFor(config.live.origin, async () => Promise.resolve('secret\n'))).resolves.toBe(
      'secret',
    );
    await expect(passwordFor(config.live.origin, async () => Promise.reject(new Error('x')))).rejects.toThrow(
      '/run/secret cannot be read',
    );
  });

  test('is refused with every problem at once, each with its line', async () => {
    const refused = load(`version: 1
runds: 3
client: contaierd
concurrency: [0]
embedded: {hops: [origin], links: {a-b: "rtt:x"}, image: huge}
live:
  images: [alpine]
  origin: {url: "ftp://x", username: u}
  hops: {}
variants:
  direct: [nowhere]
`);
    const error: Error = (await refused.catch((reason: Error) => reason)) as Error;
    for (const line of [
      'bench.yml:2: runds: unknown key; did you mean `rounds`?',
      'bench.yml:3: client: `contaierd` is unknown; did you mean `containerd`?',
      'bench.yml:4: concurrency[0]: `0` is no whole number of at least 1',
      'bench.yml:5: embedded.hops[0]: `origin` cannot be a name here',
      'bench.yml:5: embedded.links.a-b: rtt: `x` is no duration',
      'bench.yml:5: embedded.image: `huge` is no image',
      'bench.yml:7: live.images[0]: `alpine` is no image',
      'bench.yml:8: live.origin.url: ',
    ])
      expect(error.message).toContain(line);
  });

  test.each([
    ['version: 2', 'version: `2` is unknown; write version: 1'],
    [
      'version: 1\nembedded: {}\nlive: {images: ["a:b"], origin: {url: "https://a"}}',
      'live: stands beside embedded',
    ],
    [
      'version: 1\nlive: {images: ["a:b"], origin: {url: "https://a", username: u}}',
      'live.origin: has a user name alone',
    ],
    [
      'version: 1\nlive: {images: ["a:b"], origin: {url: "https://a"}, hops: {c: {url: "https://b", password: p}}}',
      'live.hops.c: has a password alone',
    ],
    [
      'version: 1\nembedded: {hops: [a, b]}\nvariants: {x: [a, c]}',
      'variants.x[1]: no hop has this name; there are a, b',
    ],
    ['version: 1\nvariants: {plan: [a]}', 'variants.plan: cannot be a name here'],
    ['a: [', 'bench.yml:1'],
  ])('%j is refused: %s', async (text, message) => {
    await expect(load(text)).rejects.toThrow(message);
  });

  test('that cannot be read is named', async () => {
    const missing = Object.assign(new Error('gone'), { code: 'ENOENT' });
    await expect(loadBenchConfig('b.yml', async () => Promise.reject(missing))).rejects.toThrow(
      'b.yml: cannot be read (no such file)',
    );
  });
});
