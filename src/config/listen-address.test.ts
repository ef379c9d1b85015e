import { describe, expect, it } from 'vitest';
import { parseListenAddress } from './listen-address.ts';

describe('an address to listen on', () => {
  it.each([
    [':5000', undefined, 5000],
    [':0', undefined, 0],
    ['127.0.0.1:5000', '127.0.0.1', 5000],
    ['localhost:65535', 'localhost', 65_535],
    ['[::1]:5000', '::1', 5000],
    ['[fe80::1%eth0]:5000', 'fe80::1%eth0', 5000],
  ])('%s is a host and a port', (text, host, port) => {
    expect(parseListenAddress(text, 'tcp')).toEqual({ ok: true, value: { kind: 'tcp', host, port } });
  });

  it('is a path where the network is unix', () => {
    expect(parseListenAddress('/run/x.sock', 'unix')).toEqual({
      ok: true,
      value: { kind: 'unix', path: '/run/x.sock' },
    });
  });

  it.each([
    ['5000', 'tcp', 'write `:5000`'],
    ['/run/x.sock', 'tcp', 'net: unix'],
    ['localhost', 'tcp', 'is no address'],
    ['localhost:', 'tcp', 'is no address'],
    ['localhost:65536', 'tcp', 'is no address'],
    ['::1:5000', 'tcp', 'is no address'],
    ['http://localhost:5000', 'tcp', 'is no address'],
    [':5000', 'udp', 'write tcp or unix'],
  ])('is not %s (%s)', (text, net, problem) => {
    expect(parseListenAddress(text, net)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });
});
