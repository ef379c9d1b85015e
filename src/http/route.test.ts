import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDigest } from '../oci/digest.ts';
import { RegistryError } from '../oci/error.ts';
import { parseNamespace } from '../oci/namespace.ts';
import { formatReference, isTag } from '../oci/reference.ts';
import { isRepositoryName } from '../oci/repository-name.ts';
import { type Namespaces, parseTarget, type Route } from './route.ts';

const DTR = parseNamespace('dtr.example.com:5000');
const HUB = parseNamespace('docker.io');
const BOTH: Namespaces = { default: DTR, all: new Set([DTR, HUB]) };
const HUB_ONLY: Namespaces = { default: HUB, all: new Set([HUB]) };
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** A route as one line. */
function told(target: string, namespaces = BOTH, prefix = '/'): string {
  const { route, asked } = parseTarget(target, prefix, namespaces);
  return `${line(route)}${asked === undefined ? '' : ` (${asked})`}`;
}

function line(route: Route): string {
  switch (route.kind) {
    case 'ping':
      return 'ping';
    case 'manifest':
      return `manifest ${route.repository.namespace} ${route.repository.name} ${formatReference(route.reference)}`;
    case 'blob':
      return `blob ${route.repository.namespace} ${route.repository.name} ${route.digest}`;
    case 'tags':
      return `tags ${route.repository.namespace} ${route.repository.name} ${route.query.toString()}`;
    case 'referrers':
      return `referrers ${route.repository.namespace} ${route.repository.name} ${route.subject} ${route.query.toString()}`;
    case 'catalog':
      return `catalog ${route.namespace} ${route.query.toString()}`;
  }
}

function refused(target: string, namespaces = BOTH, prefix = '/'): string {
  try {
    return told(target, namespaces, prefix);
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return `${error.status} ${error.code}`;
  }
}

const WORDS = ['v2', 'manifests', 'blobs', 'uploads', 'tags', 'list', 'docker.io', 'library', 'a', DIGEST];
const ODD_WORDS = [
  '',
  '.',
  '..',
  'a_b',
  'a__b',
  'a--b',
  'A',
  'é',
  '~',
  ' ',
  'a'.repeat(300),
  'sha256:',
  'sha256:ab',
];
const ESCAPES = [
  '%2e%2e',
  '%2f',
  '%2F..',
  '%5c',
  '%00',
  '\0',
  '%',
  '%zz',
  '%ff',
  '%C3%A9',
  `sha256%3A${'c'.repeat(64)}`,
];

describe('parseTarget', () => {
  it.each([
    ['/v2/', 'ping'],
    ['/v2', 'ping'],
    ['/docker.io/v2/', 'ping'],
    ['/v2/?ns=docker.io', 'ping (docker.io)'],
    ['/v2/a/b/manifests/v1', `manifest ${DTR} a/b v1`],
    [`/v2/a/manifests/${DIGEST}`, `manifest ${DTR} a ${DIGEST}`],
    [`/v2/a/manifests/${DIGEST.replace(':', '%3A')}`, `manifest ${DTR} a ${DIGEST}`],
    [`/v2/a/blobs/${DIGEST}`, `blob ${DTR} a ${DIGEST}`],
    ['/v2/a/tags/list', `tags ${DTR} a `],
    ['/v2/a/tags/list?n=3&last=v1&x=y', `tags ${DTR} a n=3&last=v1`],
    [`/v2/a/b/referrers/${DIGEST}`, `referrers ${DTR} a/b ${DIGEST} `],
    [`/v2/a/referrers/${DIGEST}?artifactType=x/y&x=y`, `referrers ${DTR} a ${DIGEST} artifactType=x%2Fy`],
    ['/v2/_catalog', `catalog ${DTR} `],
    ['/v2/_catalog?n=3&last=a/b&x=y', `catalog ${DTR} n=3&last=a%2Fb`],
    ['/v2/a/tags/list?next_page=abc', `tags ${DTR} a next_page=abc`],
    ['/v2/manifests/manifests/manifests', `manifest ${DTR} manifests manifests`],
    ['/v2/blobs/tags/list', `tags ${DTR} blobs `],
  ])('reads %s', (target, expected) => {
    expect(told(target)).toBe(expected);
  });

  it.each([
    ['/v2/alpine/manifests/3?ns=docker.io', `manifest docker.io library/alpine 3 (docker.io)`],
    ['/v2/alpine/manifests/3?ns=registry-1.docker.io', `manifest docker.io library/alpine 3 (docker.io)`],
    ['/v2/me/app/manifests/3?ns=docker.io', `manifest docker.io me/app 3 (docker.io)`],
    ['/v2/alpine/manifests/3?ns=DTR.example.com:5000', `manifest ${DTR} alpine 3 (${DTR})`],
    ['/docker.io/v2/alpine/manifests/3', 'manifest docker.io library/alpine 3'],
    ['/index.docker.io/v2/alpine/manifests/3', 'manifest docker.io library/alpine 3'],
    ['/dtr.example.com%3A5000/v2/a/manifests/3', `manifest ${DTR} a 3`],
    ['/docker.io/v2/alpine/manifests/3?ns=docker.io', 'manifest docker.io library/alpine 3 (docker.io)'],
    ['/v2/docker.io/alpine/manifests/3', 'manifest docker.io library/alpine 3'],
    ['/v2/docker.io/me/app/manifests/3', 'manifest docker.io me/app 3'],
    ['/v2/dtr.example.com:5000/a/manifests/3', `manifest ${DTR} a 3`],
    ['/v2/docker.io/manifests/3', `manifest ${DTR} docker.io 3`],
    [`/v2/docker.io/alpine/referrers/${DIGEST}`, `referrers docker.io library/alpine ${DIGEST} `],
    ['/v2/docker.io/_catalog', 'catalog docker.io '],
    ['/docker.io/v2/_catalog', 'catalog docker.io '],
    ['/v2/_catalog?ns=docker.io', 'catalog docker.io  (docker.io)'],
    ['/v2/docker.io/_catalog?ns=docker.io', 'catalog docker.io  (docker.io)'],
  ])('finds the namespace in %s', (target, expected) => {
    expect(told(target)).toBe(expected);
  });

  it('takes plain names for the default namespace, and adds library/ only for Docker Hub', () => {
    expect(told('/v2/alpine/manifests/3', HUB_ONLY)).toBe('manifest docker.io library/alpine 3');
    expect(told('/v2/library/alpine/manifests/3', HUB_ONLY)).toBe('manifest docker.io library/alpine 3');
    expect(told('/v2/alpine/manifests/3')).toBe(`manifest ${DTR} alpine 3`);
  });

  it('looks below its prefix only', () => {
    expect(told('/some/path/v2/', BOTH, '/some/path/')).toBe('ping');
    expect(told('/some/path/docker.io/v2/a/manifests/1', BOTH, '/some/path/')).toBe(
      'manifest docker.io library/a 1',
    );
    expect(refused('/v2/', BOTH, '/some/path/')).toBe('404 UNSUPPORTED');
  });

  it.each([
    ['/', '404 UNSUPPORTED'],
    ['/v1/', '404 UNSUPPORTED'],
    ['/v2/a', '404 UNSUPPORTED'],
    ['/v2/a/tags/all', '404 UNSUPPORTED'],
    ['/v2/a/_catalog', '404 UNSUPPORTED'],
    ['/v2/docker.io/a/_catalog', '404 UNSUPPORTED'],
    ['/v2/docker.io/_catalog?ns=dtr.example.com:5000', '404 UNSUPPORTED'],
    ['/v2/ghcr.io/_catalog', '404 UNSUPPORTED'],
    ['/v2/a/referrers/v1', '400 DIGEST_INVALID'],
    ['/v2/a/referrers/', '400 DIGEST_INVALID'],
    ['http://127.0.0.1/v2/', '404 UNSUPPORTED'],
    ['*', '404 UNSUPPORTED'],
    ['', '404 UNSUPPORTED'],
    [`/v2/${'a/'.repeat(2100)}manifests/v1`, '404 UNSUPPORTED'],
    ['/ghcr.io/v2/a/manifests/1', '404 UNSUPPORTED'],
    ['/v2/a/manifests/1?ns=ghcr.io', '404 NAME_UNKNOWN'],
    ['/v2/a/manifests/1?ns=', '404 NAME_UNKNOWN'],
    ['/v2/a/manifests/1?ns=169.254.169.254', '404 NAME_UNKNOWN'],
    ['/v2/?ns=ghcr.io', '404 NAME_UNKNOWN'],
    [`/docker.io/v2/a/manifests/1?ns=${DTR}`, '404 NAME_UNKNOWN'],
    ['/v2//manifests/1', '400 NAME_INVALID'],
    ['/v2/manifests/1', '400 NAME_INVALID'],
    ['/v2/a//b/manifests/1', '400 NAME_INVALID'],
    ['/v2/A/manifests/1', '400 NAME_INVALID'],
    ['/v2/../manifests/1', '400 NAME_INVALID'],
    ['/v2/%2e%2e/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%2fb/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%5Cb/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%00/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%252f/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%zz/manifests/1', '400 NAME_INVALID'],
    ['/v2/a%ff/manifests/1', '400 NAME_INVALID'],
    [`/v2/${'a'.repeat(256)}/manifests/1`, '400 NAME_INVALID'],
    ['/v2/a/manifests/', '400 TAG_INVALID'],
    ['/v2/a/manifests/-x', '400 TAG_INVALID'],
    [`/v2/a/manifests/${'x'.repeat(129)}`, '400 TAG_INVALID'],
    ['/v2/a/manifests/sha256:abc', '400 DIGEST_INVALID'],
    ['/v2/a/blobs/latest', '400 DIGEST_INVALID'],
    [`/v2/a/blobs/sha256:${'A'.repeat(64)}`, '400 DIGEST_INVALID'],
    [`/v2/a/blobs/md5:${'a'.repeat(32)}`, '400 DIGEST_INVALID'],
    ['/v2/a/tags/list?n=-1', '400 PAGINATION_NUMBER_INVALID'],
    ['/v2/a/tags/list?n=x', '400 PAGINATION_NUMBER_INVALID'],
    ['/v2/a/tags/list?n=9999999999', '400 PAGINATION_NUMBER_INVALID'],
    ['/v2/a/blobs/uploads', '405 UNSUPPORTED'],
    ['/v2/a/blobs/uploads/', '405 UNSUPPORTED'],
    ['/v2/a/blobs/uploads/1-2-3', '405 UNSUPPORTED'],
    ['/v2/a/blobs/uploads/1/2', '405 UNSUPPORTED'],
  ])('answers %s with %s', (target, expected) => {
    expect(refused(target)).toBe(expected);
  });

  it('answers any hostile target with a right route or an OCI error, and nothing else', () => {
    const piece = fc.oneof(fc.constantFrom(...WORDS, ...ODD_WORDS, ...ESCAPES), fc.string({ maxLength: 12 }));
    const start = fc.constantFrom(
      '/',
      '/v2/',
      '/v2/a/',
      '//',
      '',
      'http://evil.test/',
      '/docker.io/v2/',
      '\\',
    );
    const query = fc.constantFrom(
      '',
      '?',
      '?ns=docker.io',
      '?ns=ghcr.io',
      '?ns=../..',
      '?n=1',
      '?n=%00',
      '?ns=%',
      '?ns=a&ns=docker.io',
    );
    const end = fc.constantFrom(
      '',
      '/manifests/v1',
      `/blobs/${DIGEST}`,
      '/tags/list',
      '/_catalog',
      `/referrers/${DIGEST}`,
    );
    const target = fc
      .tuple(start, fc.array(piece, { maxLength: 8 }), end, query)
      .map(([first, pieces, last, search]) => `${first}${pieces.join('/')}${last}${search}`);
    fc.assert(
      fc.property(target, fc.constantFrom(BOTH, HUB_ONLY), (text, namespaces) => {
        expect(verdictOf(text, namespaces)).toMatch(/^(?:right|refused)$/);
      }),
      { numRuns: 4_000 },
    );
  });

  it('reads back every target that a client may build', () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,5})?$/);
    const name = fc.array(component, { minLength: 2, maxLength: 4 }).map((all) => all.join('/'));
    fc.assert(
      fc.property(name, fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/), (repository, tag) => {
        fc.pre(!repository.startsWith('docker.io/'));
        expect(told(`/v2/${repository}/manifests/${tag}`)).toBe(`manifest ${DTR} ${repository} ${tag}`);
        expect(told(`/v2/docker.io/${repository}/manifests/${tag}`)).toBe(
          `manifest docker.io ${repository} ${tag}`,
        );
      }),
    );
  });
});

/** `right`, `refused`, or what is wrong with the answer to a target. */
function verdictOf(target: string, namespaces: Namespaces): string {
  try {
    const { route } = parseTarget(target, '/', namespaces);
    if (route.kind === 'ping') return 'right';
    if (route.kind === 'catalog') return namespaces.all.has(route.namespace) ? 'right' : 'wrong namespace';
    const { namespace, name } = route.repository;
    if (!namespaces.all.has(namespace) || !isRepositoryName(name))
      return `wrong repository ${namespace} ${name}`;
    if (route.kind === 'blob') return isDigest(String(route.digest)) ? 'right' : 'wrong digest';
    if (route.kind === 'referrers') return isDigest(String(route.subject)) ? 'right' : 'wrong subject';
    if (route.kind === 'tags') return 'right';
    const reference = formatReference(route.reference);
    const isRight = route.reference.kind === 'tag' ? isTag(reference) : isDigest(reference);
    return isRight ? 'right' : `wrong reference ${reference}`;
  } catch (error) {
    return error instanceof RegistryError ? 'refused' : `threw ${String(error)}`;
  }
}
