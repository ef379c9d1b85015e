import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  MANIFEST_ACCEPT,
  OCI_INDEX,
  OCI_MANIFEST,
  OCTET_STREAM,
  parseMediaType,
} from './media-type.ts';

const START = 'abcxyzABCXYZ0189'.split('');
const part = fc
  .tuple(
    fc.constantFrom(...START),
    fc.string({ unit: fc.constantFrom(...START, ...'!#$&^_.+-'.split('')), maxLength: 126 }),
  )
  .map(([first, rest]) => first + rest);
const type = fc.tuple(part, part).map((parts) => parts.join('/'));

describe('a media type', () => {
  it('is whatever RFC 6838 makes', () => {
    fc.assert(
      fc.property(type, (text) => {
        expect(parseMediaType(text)).toBe(text);
      }),
    );
  });

  it('loses its parameters and the space around it', () => {
    expect(parseMediaType(' application/json ; charset=utf-8; a=b')).toBe('application/json');
    expect(parseMediaType('application/json;charset=utf-8')).toBe('application/json');
  });

  it.each([
    '',
    ';',
    'json',
    'application/',
    '/json',
    'a/b/c',
    'a b/c',
    'a/b c',
    '.a/b',
    'a/.b',
    '*/*',
    'a/*',
    'text/plain, text/html',
    'a/b\r\nX: y',
  ])('is not %j', (text) => {
    expect(parseMediaType(text)).toBeUndefined();
  });

  it('has 127 characters on each side at most', () => {
    const long = 'a'.repeat(127);
    expect(parseMediaType(`${long}/${long}`)).toBe(`${long}/${long}`);
    expect(parseMediaType(`${long}a/b`)).toBeUndefined();
    expect(parseMediaType(`b/${long}a`)).toBeUndefined();
  });
});

describe('the types of manifests', () => {
  it('are spelt as the specifications spell them', () => {
    expect([
      OCI_MANIFEST,
      OCI_INDEX,
      DOCKER_MANIFEST,
      DOCKER_LIST,
      DOCKER_SCHEMA1_SIGNED,
      DOCKER_SCHEMA1,
    ]).toEqual([
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/vnd.docker.distribution.manifest.list.v2+json',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'application/vnd.docker.distribution.manifest.v1+json',
    ]);
    expect(OCTET_STREAM).toBe('application/octet-stream');
  });

  it('are asked for together, so that no upstream converts or hides one', () => {
    expect(MANIFEST_ACCEPT).toEqual([
      OCI_MANIFEST,
      OCI_INDEX,
      DOCKER_MANIFEST,
      DOCKER_LIST,
      'application/vnd.oci.artifact.manifest.v1+json',
      DOCKER_SCHEMA1_SIGNED,
    ]);
  });
});
