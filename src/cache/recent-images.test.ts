import { expect, test } from 'vitest';
import { bytesContent, type Content, seededContent } from '../bench/image/content.ts';
import { ManualClock } from '../../fixtures/manual-clock.ts';
import { repositoryOf } from '../../fixtures/test-cache.ts';
import type { Digest } from '../oci/digest.ts';
import { OCI_INDEX } from '../oci/media-type.ts';
import { RecentImages } from './recent-images.ts';

const APP = repositoryOf('team/app');
const OTHER = repositoryOf('team/other');

const CONFIG = seededContent('config', 10);
const ONE = seededContent('one', 20);
const TWO = seededContent('two', 30);

function describe({ digest, sizeBytes }: Content, more: object = {}): object {
  return { mediaType: 'application/octet-stream', digest, size: sizeBytes, ...more };
}

function manifest(layers: readonly object[], more: object = {}): Content {
  return bytesContent(Buffer.from(JSON.stringify({ config: describe(CONFIG), layers, ...more })));
}

function remember(images: RecentImages, { digest, sizeBytes, read }: Content, repository = APP): void {
  images.remember(repository, digest, read(0, sizeBytes));
}

function started(images: RecentImages, { digest }: Content, repository = APP): readonly Digest[] {
  return images.start(repository, digest).map((blob) => blob.digest);
}

test('a layer starts the images that name it in its repository: config, then layers in their order', () => {
  const images = new RecentImages(new ManualClock());
  remember(images, manifest([describe(TWO), describe(ONE), describe(TWO)]));
  expect(started(images, ONE, OTHER)).toEqual([]);
  expect(images.start(APP, ONE.digest)).toEqual([
    { digest: CONFIG.digest, sizeBytes: 10 },
    { digest: TWO.digest, sizeBytes: 30 },
    { digest: ONE.digest, sizeBytes: 20 },
  ]);
});

test('the same manifest in two repositories is two images', () => {
  const images = new RecentImages(new ManualClock());
  remember(images, manifest([describe(ONE)]));
  remember(images, manifest([describe(ONE)]), OTHER);
  expect(started(images, ONE)).toEqual([CONFIG.digest, ONE.digest]);
  expect(started(images, ONE, OTHER)).toEqual([CONFIG.digest, ONE.digest]);
});

test('a layer of several images starts all of them', () => {
  const images = new RecentImages(new ManualClock());
  const other = seededContent('of the other', 5);
  remember(images, manifest([describe(ONE), describe(TWO)]));
  remember(images, manifest([describe(ONE), describe(other)]));
  expect(new Set(started(images, ONE))).toEqual(
    new Set([CONFIG.digest, ONE.digest, TWO.digest, other.digest]),
  );
});

test('a config starts nothing, even where a layer is the same', () => {
  const images = new RecentImages(new ManualClock());
  remember(images, manifest([describe(CONFIG), describe(ONE)]));
  expect(started(images, CONFIG)).toEqual([]);
  expect(started(images, ONE)).toEqual([CONFIG.digest, ONE.digest]);
});

test('a layer that lies elsewhere is left out, and starts the others all the same', () => {
  const images = new RecentImages(new ManualClock());
  remember(images, manifest([describe(TWO, { urls: ['https://layers.test/two'] }), describe(ONE)]));
  expect(started(images, TWO)).toEqual([CONFIG.digest, ONE.digest]);
});

test.each([
  ['an index', manifest([describe(ONE)], { mediaType: OCI_INDEX })],
  ['a list by its shape', bytesContent(Buffer.from(JSON.stringify({ manifests: [describe(ONE)] })))],
  ['another kind of manifest', manifest([describe(ONE)], { mediaType: 'application/vnd.test+json' })],
  ['no JSON', bytesContent(Buffer.from('layers'))],
  [
    'more than an image has',
    manifest([...Array.from({ length: 1_000 }, (_, index) => describe(ONE, { size: index })), describe(TWO)]),
  ],
])('%s starts nothing', (_what, content) => {
  const images = new RecentImages(new ManualClock());
  remember(images, content);
  expect(started(images, ONE)).toEqual([]);
});

test('an image is started for ten minutes after the last GET of its manifest', async () => {
  const clock = new ManualClock();
  const images = new RecentImages(clock);
  const content = manifest([describe(ONE)]);
  remember(images, content);
  await clock.advance(600_001);
  expect(started(images, ONE)).toEqual([]);
  // Its bytes are not read again: these would be no image.
  images.remember(APP, content.digest, Buffer.from('{}'));
  await clock.advance(600_000);
  expect(started(images, ONE)).toEqual([CONFIG.digest, ONE.digest]);
});

test('an image is started once a minute at most', async () => {
  const clock = new ManualClock();
  const images = new RecentImages(clock);
  remember(images, manifest([describe(ONE), describe(TWO)]));
  expect(started(images, ONE)).toHaveLength(3);
  await clock.advance(59_999);
  expect(started(images, TWO)).toEqual([]);
  await clock.advance(1);
  expect(started(images, TWO)).toHaveLength(3);
});

test('the images that were asked for the longest ago are forgotten, and what they share is not', () => {
  const images = new RecentImages(new ManualClock());
  const first = manifest([describe(ONE), describe(TWO)]);
  remember(images, first);
  const layers = Array.from({ length: 998 }, (_, index) => describe(seededContent(`many ${index}`, 40)));
  for (let count = 0; count < 20; count += 1) {
    remember(images, manifest([...layers, describe(ONE)], { annotations: { count: String(count) } }));
  }
  expect(started(images, TWO)).toEqual([]);
  expect(started(images, ONE).length).toBeGreaterThanOrEqual(1_000);
  remember(images, first);
  expect(started(images, TWO)).toHaveLength(3);
});
