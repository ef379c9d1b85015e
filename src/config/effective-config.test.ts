import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { type LoadedConfig, loadConfig } from './load-config.ts';

async function load(text: string): Promise<LoadedConfig> {
  return loadConfig({
    file: 'config.yml',
    env: {},
    readFile: (path) => Promise.resolve(path === 'config.yml' ? text : 'hunter2'),
  });
}

const FULL = `version: 0.1
storage: {filesystem: {rootdirectory: /data, maxthreads: 100}, delete: {enabled: true}, cache: {blobdescriptor: redis},
  redirect: {disable: true}, tag: {concurrencylimit: 8}, maintenance: {uploadpurging: {enabled: true}, readonly: {enabled: false}}}
log: {hooks: [{type: mail, options: {smtp: {password: hunter2}}}], reportcaller: true}
loglevel: warn
http: {secret: hunter2, host: "https://x", relativeurls: true, http2: {disabled: true}, h2c: {enabled: true},
  tls: {certificate: /c, key: /k, clientauth: request-client-cert}}
redis: {password: hunter2}
notifications: {endpoints: [{headers: {Authorization: [hunter2]}}]}
validation: {disabled: true}
catalog: {maxentries: 5}
tags: {maxtags: 5}
policy: {repository: {classes: [image]}}
compatibility: {schema1: {enabled: true}}
reporting: {bugsnag: {apikey: hunter2}}
middleware:
  registry:
    - name: downstream
      options:
        blobttl: 90m
        upstreams:
          - originhost: https://docker.io
            username: u
            password: hunter2
            limits: {rate: 1048576}
            fallback: false
            upstreamhosts:
              - {url: "http://asia.example.com", username: u, passwordfile: /secret}
`;

describe('the effective configuration', () => {
  it('has every default, no secret, and nothing without effect', async () => {
    const { effective } = await load(FULL);
    expect(dump(effective)).not.toContain('hunter2');
    expect(effective).toMatchObject({
      version: 0.1,
      log: { level: 'warn', formatter: 'text', accesslog: { disabled: false } },
      http: { addr: ':5000', draintimeout: '0s', limits: { headersize: '16KiB', headertime: '10s' } },
      middleware: {
        registry: [
          {
            options: {
              blobttl: '90m',
              staleiferror: '24h',
              upstreams: [
                {
                  originhost: 'https://docker.io',
                  namespace: 'docker.io',
                  password: '***',
                  limits: { connections: 32, rate: '1MiB' },
                  upstreamhosts: [
                    { url: 'http://asia.example.com', username: 'u', passwordfile: '/secret', cas: [] },
                  ],
                },
              ],
            },
          },
        ],
      },
    });
    expect(Object.keys(Object(effective))).toEqual(['version', 'log', 'storage', 'http', 'middleware']);
    expect(Object.keys(Object(effective).http)).not.toContain('secret');
  });

  it('configures the same again', async () => {
    const one = await load(FULL.replace('password: hunter2\n', 'passwordfile: /secret\n'));
    const other = await load(dump(one.effective));
    expect(other.config).toEqual(one.config);
    expect(other.effective).toEqual(one.effective);
  });

  it('of a proxy stays one, and of a plain list of URLs too', async () => {
    const head = 'version: 0.1\nstorage: filesystem\n';
    const proxy = await load(`${head}proxy: {remoteurl: "https://registry-1.docker.io/"}`);
    expect(proxy.effective).toMatchObject({
      proxy: { remoteurl: 'https://registry-1.docker.io', ttl: '168h' },
    });
    const list = await load(
      `${head}middleware: {registry: [{name: downstream, options: {upstreams: ["https://a"]}}]}`,
    );
    expect(list.effective).toMatchObject({
      middleware: { registry: [{ options: { upstreams: ['https://a'] } }] },
    });
  });
});

describe('warnings', () => {
  it('name what has no effect, and what has another one than it seems', async () => {
    const { warnings } = await load(FULL);
    expect(warnings.map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'config.yml:2 storage.cache',
      'config.yml:2 storage.filesystem.maxthreads',
      'config.yml:3 storage.redirect',
      'config.yml:3 storage.tag',
      'config.yml:3 storage.maintenance.uploadpurging',
      'config.yml:4 log.hooks',
      'config.yml:4 log.reportcaller',
      'config.yml:5 loglevel',
      'config.yml:6 http.http2',
      'config.yml:6 http.h2c',
      'config.yml:6 http.secret',
      'config.yml:6 http.host',
      'config.yml:6 http.relativeurls',
      'config.yml:7 http.tls.clientauth',
      'config.yml:8 redis',
      'config.yml:9 notifications',
      'config.yml:10 validation',
      'config.yml:11 catalog',
      'config.yml:12 tags',
      'config.yml:13 policy',
      'config.yml:14 compatibility',
      'config.yml:15 reporting',
      'config.yml:23 middleware.registry[0].options.upstreams[0].username',
      'config.yml:28 middleware.registry[0].options.upstreams[0].upstreamhosts[0].username',
    ]);
    expect(warnings.join('\n')).not.toContain('hunter2');
    expect(warnings.at(-1)).toContain('over plain http');
  });

  it('are not given where all is well', async () => {
    const { warnings } = await load(
      'version: 0.1\nstorage: {filesystem: {}, delete: {enabled: true}}\n' +
        'proxy: {remoteurl: "http://127.0.0.1:1", username: u, password: p}',
    );
    expect(warnings).toEqual([]);
  });
});
