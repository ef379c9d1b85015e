import { describe, expect, it } from 'vitest';
import { UserError } from '../user-error.ts';
import { cacheHref, parseCacheUrl } from './cache-url.ts';

function refusal(text: string): UserError {
  try {
    parseCacheUrl(text, '--url', '/');
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`${text} was taken`);
}

describe('parseCacheUrl', () => {
  it.each([
    ['https://cache.example.com:5000', 'https://cache.example.com:5000'],
    ['HTTPS://Cache.Example.com:5000/', 'https://cache.example.com:5000'],
    ['https://cache.example.com:443', 'https://cache.example.com'],
    ['https://[::1]:5000', 'https://[::1]:5000'],
    ['https://[::1]', 'https://[::1]'],
    ['https://cache.example.com/a/b/', 'https://cache.example.com/a/b'],
  ])('reads %s as %s', (text, href) => {
    expect(cacheHref(parseCacheUrl(text, '--url', '/'))).toBe(href);
  });

  it('writes the port out where an image’s name, or plain http, needs it', () => {
    expect(parseCacheUrl('https://cache', '--url', '/').authority).toBe('cache:443');
    expect(parseCacheUrl('http://cache', '--url', '/').authority).toBe('cache:80');
    expect(parseCacheUrl('http://cache.example.com', '--url', '/').authority).toBe('cache.example.com:80');
    expect(parseCacheUrl('https://cache.example.com', '--url', '/').authority).toBe('cache.example.com');
  });

  it('puts the configured prefix behind a URL without a path, and leaves a URL’s own path alone', () => {
    expect(parseCacheUrl('https://cache', '--url', '/registry/').path).toBe('/registry');
    expect(parseCacheUrl('https://cache/elsewhere', '--url', '/registry/').path).toBe('/elsewhere');
  });

  it.each([
    ['cache.example.com:5000', 'no http or https URL'],
    ['cache', 'no http or https URL'],
    ['', 'no http or https URL'],
    ['ftp://cache', 'no http or https URL'],
    ['http:/cache', 'no http or https URL'],
    ['https://', 'no http or https URL'],
    ['https://cache:99999', 'no http or https URL'],
    ['https://cache?x=1', 'a query or a fragment'],
    ['https://cache/#', 'a query or a fragment'],
    ['https://cache/v2/', 'ends in /v2'],
    ['https://cache/registry/v2', 'ends in /v2'],
    ['https://cache/a%2Fb', 'a path that clients would misread'],
    ['https://cache/a//b', 'a path that clients would misread'],
  ])('refuses %j: %s', (text, problem) => {
    expect(refusal(text)).toMatchObject({
      code: 'USAGE',
      exitCode: 2,
      message: expect.stringContaining(problem) as string,
      hint: expect.stringContaining('--url https://cache.example.com:5000') as string,
    });
  });

  it.each([
    'https://robot:s3cret@cache',
    'https://robot:s3cret@cache?x',
    'robot:s3cret@cache',
    'ftp://robot:s3cret@cache',
  ])('refuses %s without showing the password', (text) => {
    const { message, value } = refusal(text);
    for (const shown of [message, value]) {
      expect(shown).toContain('***@cache');
      expect(shown).not.toContain('s3cret');
    }
  });

  it('names the place where the URL was written, on one line', () => {
    expect(() => parseCacheUrl('a\nb', 'http.host', '/')).toThrow(
      String.raw`http.host "a\nb" is no http or https URL`,
    );
  });
});
