import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { UserError } from '../user-error.ts';
import { parseProxySettings, proxyFor } from './proxy-settings.ts';

const PROXY = 'http://proxy.test:3128';

function wayTo(target: string, env: Record<string, string>): string | undefined {
  return proxyFor(parseProxySettings(env), new URL(target))?.url.host;
}

describe('parseProxySettings', () => {
  it('knows of no proxy where none is named', () => {
    expect(parseProxySettings({})).toBeUndefined();
    expect(parseProxySettings({ HTTPS_PROXY: '', http_proxy: ' ', NO_PROXY: '*' })).toBeUndefined();
  });

  it('has a proxy for each scheme, and none for the other', () => {
    const env = { HTTPS_PROXY: PROXY };
    expect(wayTo('https://origin.test/v2/', env)).toBe('proxy.test:3128');
    expect(wayTo('http://origin.test/v2/', env)).toBeUndefined();
    expect(wayTo('http://origin.test/v2/', { HTTP_PROXY: PROXY })).toBe('proxy.test:3128');
    expect(wayTo('https://origin.test/v2/', { HTTP_PROXY: PROXY })).toBeUndefined();
  });

  it('takes small letters first, and an empty variable for none', () => {
    expect(wayTo('https://o.test', { HTTPS_PROXY: PROXY, https_proxy: 'small.test:1' })).toBe('small.test:1');
    expect(wayTo('https://o.test', { HTTPS_PROXY: PROXY, https_proxy: '' })).toBe('proxy.test:3128');
    const env = { HTTPS_PROXY: PROXY, no_proxy: 'a.test', NO_PROXY: 'b.test' };
    expect(wayTo('https://a.test', env)).toBeUndefined();
    expect(wayTo('https://b.test', env)).toBe('proxy.test:3128');
  });

  it('names the variable that counted', () => {
    expect(parseProxySettings({ https_proxy: PROXY })?.https?.variable).toBe('https_proxy');
    expect(parseProxySettings({ HTTPS_PROXY: PROXY })?.https?.variable).toBe('HTTPS_PROXY');
  });

  it('keeps the credentials out of the URL', () => {
    const proxy = parseProxySettings({ HTTPS_PROXY: 'https://us%40er:p%3Aw%@proxy.test/ignored' })?.https;
    expect(proxy?.url.href).toBe('https://proxy.test/');
    expect(proxy?.authorization).toBe(`Basic ${Buffer.from('us@er:p%3Aw%').toString('base64')}`);
    const plain = parseProxySettings({ HTTPS_PROXY: 'user%40x:secret@proxy.test:8080' })?.https;
    expect(plain?.url.href).toBe('http://proxy.test:8080/');
    expect(plain?.authorization).toBe(`Basic ${Buffer.from('user@x:secret').toString('base64')}`);
  });

  it.each([
    ['socks5://user:secret@proxy.test:1080', 'PROXY_UNSUPPORTED'],
    ['http://user:secret@', 'PROXY_INVALID'],
    ['http://user:secret@proxy.test:99999', 'PROXY_INVALID'],
  ])('refuses %s and says nothing of its password', async (value, code) => {
    const parse = (): unknown => parseProxySettings({ HTTPS_PROXY: value });
    expect(parse).toThrow(expect.objectContaining({ code }) as UserError);
    expect(parse).toThrow(/^HTTPS_PROXY/);
    const thrown: unknown = await new Promise(parse).catch((error: unknown) => error);
    expect(inspect(thrown, { depth: Infinity })).not.toContain('secret');
  });
});

describe('proxyFor', () => {
  it('leaves a port that NO_PROXY names to its host, be it the usual one', () => {
    const env = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY, NO_PROXY: 'a.test:443,b.test:80,c.test:5000' };
    expect(wayTo('https://a.test/', env)).toBeUndefined();
    expect(wayTo('https://b.test/', env)).toBe('proxy.test:3128');
    expect(wayTo('http://b.test/', env)).toBeUndefined();
    expect(wayTo('https://c.test:5000/', env)).toBeUndefined();
  });

  it('never sends this machine through a proxy', () => {
    const env = { HTTPS_PROXY: PROXY };
    for (const host of ['localhost', '127.0.0.1:5000', '[::1]:5000']) {
      expect(wayTo(`https://${host}/`, env)).toBeUndefined();
    }
  });
});
