import { describe, expect, test } from 'vitest';
import { type BenchWords, prepareBench } from './prepare.ts';

const LIVE = `
version: 1
live:
  images: ["lib/app:v1"]
  origin: {url: "https://origin.example"}
  hops: {china: {url: "https://china.example:5000"}, asia: {url: "https://asia.example:5000"}}
`;

async function prepare(
  variants: string | undefined,
  options: Readonly<Record<string, string | string[]>> = {},
  file = '',
) {
  const list = (name: string): readonly string[] => [options[name] ?? []].flat();
  const words: BenchWords = {
    list,
    text: (name) => list(name)[0],
    readFile: async () => Promise.resolve(file),
  };
  return await prepareBench({ variants }, words);
}

async function chains(
  variants: string | undefined,
  options: Readonly<Record<string, string | string[]>> = {},
  file = '',
) {
  const plan = await prepare(variants, options, file);
  return Object.fromEntries(plan.variants.map(({ name, hops }) => [name, hops.join('>')]));
}

describe('what is measured', () => {
  test('asia and china of the manual, without any word', async () => {
    const plan = await prepare(undefined);
    expect(plan).toMatchObject({
      place: { kind: 'embedded' },
      settings: { rounds: 6, client: 'containerd', concurrency: [1] },
    });
    await expect(chains(undefined)).resolves.toEqual({ direct: '', asia: 'asia', china: 'china>asia' });
    await expect(chains('china-only,china>asia')).resolves.toEqual({
      direct: '',
      'china-only': 'china',
      'china>asia': 'china>asia',
    });
  });

  test('levels at equal distances', async () => {
    await expect(chains(undefined, { levels: '1..3' })).resolves.toEqual({
      direct: '',
      'levels-1': 'at0',
      'levels-2': 'at0>at50',
      'levels-3': 'at0>at33>at67',
    });
  });

  test('a plan tries each chain and the settings that matter most', async () => {
    await expect(chains('plan', { clients: '8' })).resolves.toEqual({
      direct: '',
      china: 'china',
      'china>asia': 'china>asia',
      asia: 'asia',
      'china>asia+tagttl': 'china>asia',
      'china>asia-prefetch': 'china>asia',
    });
    expect((await prepare('plan', { clients: '8' })).settings.concurrency).toEqual([8]);
  });

  test('the variants of bench.yml, over its links', async () => {
    const file =
      'version: 1\nembedded: {hops: [a, b], links: {a-b: "rtt:7ms"}}\nvariants: {far: [b], both: {hops: [a, b], options: {tagttl: 1m}}}';
    await expect(chains(undefined, { config: 'bench.yml' }, file)).resolves.toEqual({
      direct: '',
      far: 'b',
      both: 'a>b',
    });
    const { place, variants } = await prepare(
      'both',
      { config: 'bench.yml', link: 'client-a=rtt:1ms' },
      file,
    );
    expect(variants[1]?.options).toMatchObject({ tagttl: '1m' });
    if (place.kind !== 'embedded') throw new Error('not embedded');
    expect(place.geography.stretches.map(({ name, figures }) => [name, figures.roundTripMs])).toEqual([
      ['client-a', 1],
      ['a-b', 7],
      ['b-origin', 115],
    ]);
  });

  test('real servers, each by itself unless a chain is spelled', async () => {
    await expect(chains(undefined, { config: 'b.yml' }, LIVE)).resolves.toEqual({
      direct: '',
      china: 'china',
      asia: 'asia',
    });
    expect((await prepare('china>asia', { config: 'b.yml' }, LIVE)).place.kind).toBe('live');
  });

  test('the command line overrides the file', async () => {
    const file = 'version: 1\nrounds: 9\nclient: skopeo\nplatform: linux/arm64';
    const plan = await prepare(
      'asia',
      { config: 'b.yml', rounds: '7', require: ['asia.warm.p95<2s', 'asia.cold.failures<1'] },
      file,
    );
    expect(plan).toMatchObject({
      settings: { rounds: 7, client: 'skopeo', parallelLayers: 6 },
      platform: 'linux/arm64',
    });
    expect(plan.requirements).toHaveLength(2);
  });
});

test.each<[string | undefined, Record<string, string>, string, string]>([
  ['asia>china', {}, '', 'the way from asia to china leads back'],
  ['asia', { rounds: '0' }, '', '--rounds: 0 is no whole number of at least 1'],
  ['asia', { client: 'podman' }, '', '--client: podman is unknown; there are containerd, docker, skopeo'],
  ['asia', { levels: '2' }, '', '--levels makes its own variants'],
  [undefined, { levels: '9' }, '', '--levels: 9 is no number of levels'],
  [undefined, { levels: '4..1' }, '', '--levels: 4..1 is no number of levels'],
  ['asia', { concurrency: '1,x' }, '', '--concurrency: x is no whole number'],
  ['plan', { concurrency: '2', clients: '2' }, '', '--clients and --concurrency both'],
  ['asia', { platform: 'amd64' }, '', '--platform: amd64 is no platform'],
  ['asia', { 'image-shape': 'tiny' }, '', '--image-shape: `tiny` is no image'],
  ['asia', { link: 'china-europe=rtt:1ms' }, '', 'there is no link china-europe'],
  ['plan', { config: 'b.yml' }, LIVE, 'a plan is made on simulated links'],
  ['china', { config: 'b.yml', link: 'a-b=rtt:1ms' }, LIVE, '--link has no meaning for real servers'],
])('%s with %j is refused', async (variants, options, file, message) => {
  await expect(prepare(variants, options, file)).rejects.toMatchObject({
    message: expect.stringContaining(message),
    exitCode: 2,
  });
});
