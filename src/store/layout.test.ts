import { relative, resolve } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDigest } from '../oci/digest.ts';
import {
  DOCKER_HUB,
  type Namespace,
  parseNamespace,
  type Repository,
  repositoryKey,
} from '../oci/namespace.ts';
import { parseTag } from '../oci/reference.ts';
import { parseRepositoryName } from '../oci/repository-name.ts';
import { Layout } from './layout.ts';

const HEX = `ab${'0'.repeat(62)}`;
const DIGEST = parseDigest(`sha256:${HEX}`);
const layout = new Layout('/r', DOCKER_HUB);

const hosts = fc.constantFrom(
  'docker.io',
  'localhost',
  'a',
  'a.b',
  'a:5',
  'localhost:5000',
  '[::1]',
  '[::1]:80',
  'b-c',
);
const namespaces: fc.Arbitrary<Namespace> = hosts.map(parseNamespace);
const components = fc.constantFrom(
  'a',
  'a.b',
  'docker.io',
  'localhost',
  'library',
  'b-c',
  'x__y',
  '80',
  'link',
  'data',
);
const names = fc
  .array(components, { minLength: 1, maxLength: 4 })
  .map((parts) => parseRepositoryName(parts.join('/')));
const repositories: fc.Arbitrary<Repository> = fc.record({ namespace: namespaces, name: names });

function repository(namespace: string, name: string): Repository {
  return { namespace: parseNamespace(namespace), name: parseRepositoryName(name) };
}

describe('blobs', () => {
  it('lie as Distribution lays them', () => {
    expect(layout.blobFile(DIGEST)).toBe(`/r/docker/registry/v2/blobs/sha256/ab/${HEX}/data`);
    const long = 'cd'.repeat(64);
    expect(layout.blobFile(parseDigest(`sha512:${long}`))).toBe(
      `/r/docker/registry/v2/blobs/sha512/cd/${long}/data`,
    );
  });

  it('grow in our own folder', () => {
    expect(layout.growingFile(DIGEST)).toBe(`/r/regcache/tmp/sha256-${HEX}.part`);
    expect(layout.tempFile('x')).toBe('/r/regcache/tmp/x.tmp');
    expect(layout.indexFile).toBe('/r/regcache/index.sqlite');
    expect(layout.lockFile).toBe('/r/regcache/lock.sqlite');
    expect(layout.identityFile).toBe('/r/regcache/store.json');
  });
});

describe('links', () => {
  const alpine = repository('docker.io', 'library/alpine');
  const base = '/r/docker/registry/v2/repositories/library/alpine';

  it('lie as Distribution lays them', () => {
    expect(layout.proofLink(alpine, DIGEST, 'blob')).toBe(`${base}/_layers/sha256/${HEX}/link`);
    expect(layout.proofLink(alpine, DIGEST, 'manifest')).toBe(
      `${base}/_manifests/revisions/sha256/${HEX}/link`,
    );
    expect(layout.contentTypeFile(alpine, DIGEST)).toBe(
      `${base}/_manifests/revisions/sha256/${HEX}/content-type`,
    );
    expect(layout.tagLink(alpine, parseTag('v1'))).toBe(`${base}/_manifests/tags/v1/current/link`);
    expect(layout.tagIndexLink(alpine, parseTag('v1'), DIGEST)).toBe(
      `${base}/_manifests/tags/v1/index/sha256/${HEX}/link`,
    );
  });
});

describe('repositories', () => {
  it.each([
    ['docker.io', 'library/alpine', 'library/alpine'],
    ['docker.io', 'quay.io/alpine', 'docker.io/quay.io/alpine'],
    ['docker.io', 'docker.io/alpine', 'docker.io/docker.io/alpine'],
    ['docker.io', 'localhost/alpine', 'docker.io/localhost/alpine'],
    ['quay.io', 'library/alpine', 'quay.io/library/alpine'],
    ['localhost', 'alpine', 'localhost/alpine'],
    ['dtr:5000', 'alpine', 'dtr:5000/alpine'],
    ['dtr', 'alpine', 'dtr:/alpine'],
    ['[::1]:5000', 'alpine', '[::1]:5000/alpine'],
  ])('of %s named %s lie at %s', (namespace, name, path) => {
    expect(layout.repositoryPath(repository(namespace, name))).toBe(path);
    expect(layout.repositoryAt(path)).toEqual(repository(namespace, name));
  });

  it.each([
    'docker.io/library/alpine',
    'quay.io',
    'dtr:',
    'UPPER',
    'Quay.io/a',
    'index.docker.io/a',
    ':/a',
    '',
    '_x/a',
  ])('never lie at %j', (path) => {
    expect(layout.repositoryAt(path)).toBeUndefined();
  });

  it('are found again from their path, whatever the plain namespace', () => {
    fc.assert(
      fc.property(namespaces, repositories, (plain, one) => {
        const any = new Layout('/r', plain);
        expect(any.repositoryAt(any.repositoryPath(one))).toEqual(one);
      }),
    );
  });

  it('of different origins never share a path', () => {
    fc.assert(
      fc.property(namespaces, repositories, repositories, (plain, one, other) => {
        const any = new Layout('/r', plain);
        fc.pre(repositoryKey(one) !== repositoryKey(other));
        expect(any.repositoryPath(one)).not.toBe(any.repositoryPath(other));
      }),
    );
  });

  it('never lie in the folders that hold links, nor outside of their own', () => {
    fc.assert(
      fc.property(namespaces, repositories, (plain, one) => {
        const any = new Layout('/r', plain);
        const path = any.repositoryPath(one);
        const inside = relative(any.repositoriesFolder, resolve(any.repositoriesFolder, path));
        expect(inside).toBe(path);
        expect(path.split('/').some((component) => component.startsWith('_') || component === '..')).toBe(
          false,
        );
      }),
    );
  });
});
