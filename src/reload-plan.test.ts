import { describe, expect, it } from 'vitest';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load-config.ts';
import { planReload } from './reload-plan.ts';

const TEXT = `version: 0.1
log: {level: info}
storage: {delete: {enabled: true}, filesystem: {rootdirectory: /srv}}
http: {addr: ':5000', draintimeout: 5s, tls: {certificate: /c.pem, key: /k.pem, clientcas: [/ca.pem]}}
middleware:
  registry:
    - name: downstream
      options:
        blobttl: 24h
        tagttl: 1s
        staleiferror: 1h
        timeouts: {connect: 3s}
        upstreams:
          - originhost: https://dtr.example.com
            password: old
            username: robot
`;

async function config(edit: (text: string) => string = (text) => text): Promise<Config> {
  const text = edit(TEXT);
  return (await loadConfig({ file: 'config.yml', env: {}, readFile: () => Promise.resolve(text) })).config;
}

async function plan(from: string, to: string): Promise<ReturnType<typeof planReload>> {
  const edited = await config((text) => text.replace(from, to));
  return planReload(await config(), edited);
}

describe('planReload', () => {
  it('has nothing to do where nothing changed', async () => {
    expect(await plan('', '')).toEqual({ changed: [], needsRestart: [] });
  });

  it.each([
    ['level: info', 'level: debug', 'log.level'],
    ['draintimeout: 5s', 'draintimeout: 6s', 'http.draintimeout'],
    ['/c.pem', '/new.pem', 'http.tls'],
    ['[/ca.pem]', '[/ca.pem, /more.pem]', 'http.tls'],
    ['blobttl: 24h', 'blobttl: 25h', 'blobttl'],
    ['blobttl: 24h', 'blobttlmode: absolute\n        blobttl: 24h', 'blobttl'],
    ['tagttl: 1s', 'tagttl: 2s', 'tagttl'],
    ['staleiferror: 1h', 'staleiferror: 2h', 'staleiferror'],
    ['connect: 3s', 'connect: 4s', 'timeouts'],
    ['password: old', 'password: new', 'upstreams'],
    ['log: ', 'health: {file: [{file: /away}]}\nlog: ', 'health'],
  ])('changes %s to %s while running', async (from, to, key) => {
    expect(await plan(from, to)).toEqual({ changed: [key], needsRestart: [] });
  });

  it.each([
    ['level: info', 'level: info, formatter: json', 'log.formatter'],
    ['rootdirectory: /srv', 'rootdirectory: /data', 'storage'],
    ["addr: ':5000'", "addr: ':6000'", 'http.addr'],
    ["addr: ':5000'", "addr: ':5000', headers: {X: [y]}", 'http.addr'],
    ["addr: ':5000'", "addr: ':5000', limits: {connections: 5}", 'http.limits'],
    [
      'clientcas: [/ca.pem]',
      'clientcas: [/ca.pem], clientauth: verify-client-cert-if-given',
      'http.tls.clientauth',
    ],
    ['blobttl: 24h', 'name: asia\n        blobttl: 24h', 'name'],
    ['blobttl: 24h', 'fillafterabort: false\n        blobttl: 24h', 'fillafterabort'],
    ['dtr.example.com', 'other.example.com', 'upstreams'],
  ])('cannot change %s to %s without a restart', async (from, to, key) => {
    expect(await plan(from, to)).toEqual({ changed: [], needsRestart: [key] });
  });

  it('cannot turn TLS on or off while running', async () => {
    const tls = /, tls: .*\}\}\n/;
    const { changed, needsRestart } = planReload(
      await config(),
      await config((text) => text.replace(tls, '}\n')),
    );
    expect(changed).toEqual([]);
    expect(needsRestart).toContain('http.tls');
  });
});
