import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_MANIFEST_BYTES, readManifest } from './manifest.ts';
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-type.ts';

const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const entry = (hex: string, mediaType = 'application/octet-stream') => ({
  mediaType,
  digest: `sha256:${hex.repeat(64)}`,
  size: 1,
});
const digests = (descriptors: readonly { readonly digest: string }[] | undefined) =>
  descriptors?.map(({ digest }) => digest[7]);

describe('a manifest', () => {
  it('refers to its config, then to its layers in their order', () => {
    const manifest = readManifest(
      bytes({
        schemaVersion: 2,
        mediaType: DOCKER_MANIFEST,
        layers: [entry('b'), entry('a')],
        config: entry('c'),
      }),
    );
    expect(manifest?.mediaType).toBe(DOCKER_MANIFEST);
    expect(digests(manifest?.blobs)).toEqual(['c', 'b', 'a']);
    expect(manifest?.manifests).toEqual([]);
    expect(manifest?.subject).toBeUndefined();
  });

  it('of an artifact refers to its blobs and to its subject', () => {
    const manifest = readManifest(
      bytes({
        mediaType: 'application/vnd.oci.artifact.manifest.v1+json',
        blobs: [entry('a')],
        subject: entry('5'),
      }),
    );
    expect(digests(manifest?.blobs)).toEqual(['a']);
    expect(manifest?.subject?.digest).toBe(`sha256:${'5'.repeat(64)}`);
  });

  it('that is an index refers to manifests', () => {
    const index = readManifest(
      bytes({ mediaType: DOCKER_LIST, manifests: [entry('1', OCI_MANIFEST), entry('2')] }),
    );
    expect(index?.mediaType).toBe(DOCKER_LIST);
    expect(digests(index?.manifests)).toEqual(['1', '2']);
    expect(index?.manifests[0]?.mediaType).toBe(OCI_MANIFEST);
    expect(index?.blobs).toEqual([]);
  });

  it.each([
    ['an index, by its list of manifests', { schemaVersion: 2, manifests: [] }, OCI_INDEX],
    ['a manifest, where there is no such list', { schemaVersion: 2, layers: [] }, OCI_MANIFEST],
    ['a manifest, where the list is none', { schemaVersion: 2, manifests: {} }, OCI_MANIFEST],
    ['the old schema, signed', { schemaVersion: 1, signatures: [] }, DOCKER_SCHEMA1_SIGNED],
    ['the old schema, not signed', { schemaVersion: 1 }, DOCKER_SCHEMA1],
    ['what it is, though it claims nonsense', { mediaType: 'nonsense', manifests: [] }, OCI_INDEX],
    ['what it is, though it claims a number', { mediaType: 5 }, OCI_MANIFEST],
    ['what it claims before all', { mediaType: OCI_MANIFEST, schemaVersion: 1, manifests: [] }, OCI_MANIFEST],
  ])('is %s', (_, json, type) => {
    expect(readManifest(bytes(json))?.mediaType).toBe(type);
  });

  it('leaves out descriptors that are none', () => {
    const manifest = readManifest(
      bytes({
        config: null,
        layers: [entry('a'), { digest: 'x' }, null, entry('b')],
        blobs: 'none',
        manifests: [5],
      }),
    );
    expect(digests(manifest?.blobs)).toEqual(['a', 'b']);
    expect(manifest?.manifests).toEqual([]);
  });

  it.each([
    ['nothing', ''],
    ['half a document', '{"layers":'],
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"text"'],
    ['a number', '5'],
  ])('is not read from %s', (_, text) => {
    expect(readManifest(new TextEncoder().encode(text))).toBeUndefined();
  });

  it('is not read from bytes that are no UTF-8', () => {
    expect(readManifest(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))).toBeUndefined();
  });

  it('is read from any bytes whatever without an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => bytes(JSON.parse(text))),
        ),
        (anything) => {
          const manifest = readManifest(anything);
          expect(manifest === undefined || Array.isArray(manifest.blobs)).toBe(true);
        },
      ),
    );
  });

  it('may have four mebibytes', () => {
    expect(MAX_MANIFEST_BYTES).toBe(4_194_304);
  });
});
