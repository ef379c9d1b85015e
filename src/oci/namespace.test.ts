import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOCKER_HUB, parseNamespace, readNamespace, repositoryKey } from './namespace.ts';
import { parseRepositoryName } from './repository-name.ts';

describe('a namespace', () => {
  it.each([
    'docker.io',
    'localhost',
    'a',
    '7',
    'dtr.example.com:5000',
    '10.0.0.1',
    '10.0.0.1:1',
    '[::1]',
    '[::1]:5000',
    '[::ffff:10.0.0.1]:65535',
    'my_host.example.com',
    'a-b.c',
    'a'.repeat(253),
  ])('is %s', (text) => {
    expect(readNamespace(text)).toBe(text);
    expect(parseNamespace(text)).toBe(text);
  });

  it('is in lower case', () => {
    expect(readNamespace('DTR.Example.COM:5000')).toBe('dtr.example.com:5000');
  });

  it('of Docker Hub goes by one name', () => {
    expect(DOCKER_HUB).toBe('docker.io');
    expect(readNamespace('registry-1.docker.io')).toBe(DOCKER_HUB);
    expect(readNamespace('Index.Docker.io')).toBe(DOCKER_HUB);
    expect(readNamespace('other.docker.io')).toBe('other.docker.io');
  });

  it.each([
    '',
    '.',
    '..',
    '.a',
    'a.',
    '-a',
    'a-',
    '_a',
    'a..b',
    'a/b',
    'a b',
    'a\n',
    'a:',
    'a:b',
    'a:123456',
    ':5000',
    'a:1:2',
    'https://a',
    'user@a',
    '::1',
    '[]',
    '[:]',
    '[::1',
    '[::g]',
    '[::1]x',
    'x[::1]',
    'ä.de',
    'a%2f',
    'a'.repeat(254),
  ])('is not %j', (text) => {
    expect(readNamespace(text)).toBeUndefined();
    expect(() => parseNamespace(text)).toThrow(TypeError);
    expect(() => parseNamespace(text)).toThrow(`not a namespace: ${text}`);
  });

  it('can be the name of a folder', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.webAuthority()), (text) => {
        const namespace = readNamespace(text);
        if (namespace === undefined) return;
        expect(namespace).not.toMatch(/[/\\\0]/);
        expect(namespace).not.toContain('..');
        expect(readNamespace(namespace)).toBe(namespace);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the key of a repository', () => {
  it('tells one name at two origins apart', () => {
    const name = parseRepositoryName('team/app');
    expect(repositoryKey({ namespace: DOCKER_HUB, name })).toBe('docker.io/team/app');
    expect(repositoryKey({ namespace: parseNamespace('a:5000'), name })).toBe('a:5000/team/app');
  });
});
