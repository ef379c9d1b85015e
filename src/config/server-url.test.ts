import { describe, expect, it } from 'vitest';
import { parseRealmUrl, parseServerUrl } from './server-url.ts';

describe('the URL of a server', () => {
  it.each([
    ['https://registry.example.com', 'https://registry.example.com'],
    ['https://registry.example.com/', 'https://registry.example.com'],
    ['HTTPS://Registry.Example.com:443', 'https://registry.example.com'],
    ['https://registry.example.com:5000', 'https://registry.example.com:5000'],
    ['http://127.0.0.1:80', 'http://127.0.0.1'],
    ['http://[::1]:5000/', 'http://[::1]:5000'],
  ])('%s is %s', (text, url) => {
    expect(parseServerUrl(text)).toEqual({ ok: true, value: url });
  });

  it.each([
    ['dtr.example.com', 'names no scheme; write `https://dtr.example.com`'],
    ['dtr.example.com:5000', 'names no scheme; write `https://dtr.example.com:5000`'],
    ['ftp://a', 'is no URL'],
    ['https://', 'is no URL'],
    ['https://a b', 'is no URL'],
    ['https://a/b', 'has a path, which registries are not asked under; write `https://a`'],
    ['https://a/v2/', 'has a path'],
    ['https://a?b', 'has a query or a fragment'],
    ['https://a?', 'has a query or a fragment'],
    ['https://a/#', 'has a query or a fragment'],
    ['https://a#b', 'has a query or a fragment'],
    ['https://user@a', 'carries a user'],
    ['https://:pass@a', 'carries a user'],
  ])('is not %s', (text, problem) => {
    expect(parseServerUrl(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });

  it('of a token realm may have a path, which does not matter', () => {
    expect(parseRealmUrl('https://auth.docker.io/token')).toEqual({
      ok: true,
      value: 'https://auth.docker.io',
    });
    expect(parseRealmUrl('https://auth.docker.io/token?x')).toMatchObject({ ok: false });
  });
});
