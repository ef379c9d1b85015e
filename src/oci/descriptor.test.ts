import { describe, expect, it } from 'vitest';
import { readDescriptor } from './descriptor.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const good = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 7 };

describe('a descriptor', () => {
  it('has a type, a digest and a size', () => {
    expect(readDescriptor(good)).toEqual({ mediaType: good.mediaType, digest, sizeBytes: 7, urls: [] });
  });

  it('may be of nothing', () => {
    expect(readDescriptor({ ...good, size: 0 })?.sizeBytes).toBe(0);
  });

  it('says where else a foreign layer lies', () => {
    const urls = ['https://example.com/layer', 5, null, 'https://example.org/layer'];
    expect(readDescriptor({ ...good, urls })?.urls).toEqual([urls[0], urls[3]]);
    expect(readDescriptor({ ...good, urls: 'https://example.com' })?.urls).toEqual([]);
  });

  it('keeps nothing else that stands beside them', () => {
    expect(readDescriptor({ ...good, platform: { os: 'linux' }, data: 'e30=' })).toEqual(
      readDescriptor(good),
    );
  });

  it.each([
    ['null', null],
    ['text', 'text'],
    ['a number', 5],
    ['nothing', undefined],
    ['a list', [good]],
    ['one without a digest', { ...good, digest: undefined }],
    ['one with a bad digest', { ...good, digest: 'sha256:abc' }],
    ['one with a digest that is no text', { ...good, digest: [digest] }],
    ['one without a size', { ...good, size: undefined }],
    ['one with a size that is text', { ...good, size: '7' }],
    ['one with a negative size', { ...good, size: -1 }],
    ['one with half a byte', { ...good, size: 1.5 }],
    ['one with a size beyond counting', { ...good, size: 2 ** 53 }],
    ['one without a type', { ...good, mediaType: undefined }],
    ['one with a bad type', { ...good, mediaType: 'json' }],
    ['one with a type that is no text', { ...good, mediaType: 5 }],
  ])('is never guessed from %s', (_, json) => {
    expect(readDescriptor(json)).toBeUndefined();
  });
});
