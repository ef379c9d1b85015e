import { describe, expect, it } from 'vitest';
import { parseNoProxy } from './no-proxy.ts';

describe('NO_PROXY', () => {
  it.each<[list: string, matching: readonly string[], other: readonly string[]]>([
    [
      'example.com',
      ['example.com:443', 'a.example.com:80', 'EXAMPLE.com.:1'],
      ['anexample.com:443', 'example.org:443'],
    ],
    ['.example.com', ['a.example.com:443', 'a.b.example.com:443'], ['example.com:443', 'aexample.com:443']],
    ['*.example.com', ['a.example.com:443'], ['example.com:443']],
    ['Example.COM.', ['a.example.com:443'], ['example.co:443']],
    ['example.com:5000', ['example.com:5000', 'a.example.com:5000'], ['example.com:443']],
    ['a.test, b.test c.test,,', ['a.test:1', 'b.test:1', 'c.test:1'], ['d.test:1']],
    ['*', ['anything.test:1', '10.1.2.3:1', 'fd00::1:1'], []],
    ['*:80', ['anything.test:80'], ['anything.test:443']],
    ['10.1.2.3', ['10.1.2.3:443'], ['10.1.2.4:443', 'a.10.1.2.3:443']],
    ['10.1.2.3:80', ['10.1.2.3:80'], ['10.1.2.3:443']],
    ['10.0.0.0/8', ['10.255.0.1:443', '::ffff:10.1.1.1:443'], ['11.0.0.1:443', 'ten.test:443']],
    ['192.168.4.0/22', ['192.168.7.255:1'], ['192.168.8.0:1']],
    ['fd00::/8', ['fd12::1:443'], ['fe80::1:443', '10.0.0.1:443']],
    ['[fd00::]/8', ['fd12::1:443'], ['fe80::1:443']],
    ['fd00::1', ['fd00::1:443', 'fd00:0::1:443'], ['fd00::2:443']],
    ['[fd00::1]:5000', ['fd00::1:5000'], ['fd00::1:443']],
    ['10.0.0.0/99, 10.0.0/8, /8', [], ['10.0.0.1:443']],
    [
      '',
      ['localhost:1', '127.0.0.1:1', '127.9.9.9:1', '::1:1', '::ffff:127.0.0.1:1'],
      ['localhost.test:1', '128.0.0.1:1'],
    ],
  ])('%s', (list, matching, other) => {
    const noProxy = parseNoProxy(list);
    const matches = (target: string): boolean => {
      const colon = target.lastIndexOf(':');
      return noProxy.matches(target.slice(0, colon), Number(target.slice(colon + 1)));
    };
    expect(matching.filter((target) => !matches(target))).toEqual([]);
    expect(other.filter(matches)).toEqual([]);
  });
});
