import { describe, expect, it } from 'vitest';
import { basicAuthorization, mayReceiveCredentials } from './credentials.ts';

describe('basicAuthorization', () => {
  it('encodes names and passwords beyond ASCII as UTF-8', () => {
    const value = basicAuthorization({ username: 'jürgen', password: 'p:w€' });
    expect(Buffer.from(value.slice('Basic '.length), 'base64').toString('utf8')).toBe('jürgen:p:w€');
  });
});

describe('mayReceiveCredentials', () => {
  it.each([
    ['https://registry.example.com/token', 'https://registry.example.com', 'the registry itself'],
    ['http://127.0.0.1:5000/token', 'http://127.0.0.1:5000', 'the registry itself, over HTTP'],
    ['https://auth.docker.io/token', 'https://registry-1.docker.io', 'https at the same registrable domain'],
    ['https://auth.example.co.uk/', 'https://r.example.co.uk:5000', 'the same domain below a public suffix'],
  ])('lets %s have the credentials of %s: %s', (realm, base) => {
    expect(mayReceiveCredentials(new URL(realm), new URL(base), [])).toBe(true);
  });

  it.each([
    ['https://evil.test/token', 'https://registry.example.com', 'another domain'],
    ['http://auth.example.com/token', 'https://registry.example.com', 'plain HTTP'],
    ['https://auth.example.com/token', 'http://registry.example.com', 'a registry that anybody can pose as'],
    ['https://registry.example.com:444/', 'http://registry.example.com', 'another port and scheme'],
    ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5000', 'another port of an address'],
    ['https://127.0.0.1:5001/token', 'https://127.0.0.1:5000', 'another port of an address, over TLS'],
    ['https://bob.github.io/', 'https://alice.github.io', 'a neighbour below a private suffix'],
    ['https://b.co.uk/', 'https://a.co.uk', 'a neighbour below a public suffix'],
    ['https://auth.localhost/', 'https://localhost', 'a name without a domain'],
  ])('keeps them from %s for %s: %s', (realm, base) => {
    expect(mayReceiveCredentials(new URL(realm), new URL(base), [])).toBe(false);
  });

  it('lets a realm have them that the operator has named, at that scheme and port only', () => {
    const base = new URL('https://registry.example.com');
    const named = ['https://login.test:8443/any/path', 'not a URL'];
    expect(mayReceiveCredentials(new URL('https://login.test:8443/token'), base, named)).toBe(true);
    expect(mayReceiveCredentials(new URL('https://login.test/token'), base, named)).toBe(false);
    expect(mayReceiveCredentials(new URL('http://login.test:8443/token'), base, named)).toBe(false);
  });
});
