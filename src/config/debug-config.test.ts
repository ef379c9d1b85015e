import { dump } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { type LoadedConfig, loadConfig } from './load-config.ts';

const START = 'version: 0.1\nstorage: filesystem\nproxy: {remoteurl: "https://o"}\n';
const DEBUG = 'http: {debug: {addr: "127.0.0.1:5001"}}\n';

async function load(text: string): Promise<LoadedConfig> {
  return loadConfig({ file: 'config.yml', env: {}, readFile: () => Promise.resolve(`${START}${text}`) });
}

/** The warnings but that of a proxy that keeps everything. */
async function warnings(text: string): Promise<readonly string[]> {
  return (await load(text)).warnings.filter((warning) => !warning.includes(': proxy: '));
}

describe('metrics', () => {
  it.each([
    ['prometheus: {enabled: true}', '/metrics'],
    ['prometheus: {enabled: on, path: /debug/prom_1}', '/debug/prom_1'],
    ['prometheus: {enabled: false, path: /m}', undefined],
    ['prometheus: {path: /m}', undefined],
  ])('%s: at %s', async (text, metricsPath) => {
    const { config } = await load(`http: {debug: {addr: "127.0.0.1:5001", ${text}}}`);
    expect(config.http.debug).toEqual({
      listen: { kind: 'tcp', host: '127.0.0.1', port: 5001 },
      metricsPath,
    });
  });

  it.each(['metrics', '/metrics?x', '/debug/health', '/readyz', '/control/v1/snapshot'])(
    'cannot be at %s',
    async (path) => {
      await expect(load(`http: {debug: {prometheus: {enabled: true, path: "${path}"}}}`)).rejects.toThrow(
        `config.yml:4: http.debug.prometheus.path: \`${path}\` cannot be used; write a path of its own`,
      );
    },
  );

  it('are told nowhere without a debug address, and that is said', async () => {
    const text = 'http: {debug: {prometheus: {enabled: true}}}';
    expect((await load(text)).config.http.debug).toBeUndefined();
    expect(await warnings(text)).toEqual([
      'config.yml:4: http.debug.prometheus.enabled: has no effect without http.debug.addr, where it would be told',
    ]);
  });
});

const HTTP = 'health: {http: [{uri: "https://h/x"';
const TCP = 'health: {tcp: [{addr: "h:1"';

describe('health checks', () => {
  it('are read with Distribution’s defaults', async () => {
    const { config, warnings: told } = await load(
      `${DEBUG}health: {file: [{file: /away}], http: [{uri: "https://h/x"}], tcp: [{addr: "db:6379"}]}`,
    );
    const times = { threshold: 0, intervalMs: 10_000, timeoutMs: 10_000 };
    expect(config.healthChecks).toEqual([
      { kind: 'file', path: '/away', ...times },
      { kind: 'http', uri: 'https://h/x', headers: {}, status: 200, ...times },
      { kind: 'tcp', host: 'db', port: 6379, ...times },
    ]);
    expect(told.filter((warning) => warning.includes('health'))).toEqual([]);
  });

  it('are read as written; an interval of 0 is the default', async () => {
    const { config } = await load(
      `${DEBUG}health:\n  file: [{file: /away, interval: 0s}]\n` +
        '  http: [{uri: "http://h", headers: {X-A: [b]}, statuscode: 204, timeout: 3s, interval: 1m, threshold: 3}]\n' +
        '  tcp: [{addr: "[::1]:80", timeout: 2s, interval: 5s, threshold: 1}]',
    );
    expect(config.healthChecks).toEqual([
      { kind: 'file', path: '/away', threshold: 0, intervalMs: 10_000, timeoutMs: 10_000 },
      {
        kind: 'http',
        uri: 'http://h',
        headers: { 'X-A': ['b'] },
        status: 204,
        threshold: 3,
        intervalMs: 60_000,
        timeoutMs: 3000,
      },
      { kind: 'tcp', host: '::1', port: 80, threshold: 1, intervalMs: 5000, timeoutMs: 2000 },
    ]);
  });

  it.each([
    ['health: {file: [{}]}', 'health.file[0].file: is required'],
    ['health: {http: [{uri: /x}]}', 'health.http[0].uri: `/x` is no URL; write one such as https://'],
    ['health: {http: [{uri: "https://u:p@h"}]}', 'health.http[0].uri: `https://***@h` carries a user; '],
    [`${HTTP}, statuscode: 20}]}`, 'health.http[0].statuscode: `20` is no whole number of at least 100'],
    [`${HTTP}, headers: {"a b": [c]}}]}`, 'health.http[0].headers.a b: is no name of a header'],
    [`${HTTP}, treshold: 1}]}`, 'health.http[0].treshold: unknown key; did you mean `threshold`?'],
    ['health: {tcp: [{addr: /x}]}', 'health.tcp[0].addr: `/x` is no address; write a host and a port'],
    ['health: {tcp: [{addr: "h:70000"}]}', 'health.tcp[0].addr: `h:70000` is no address'],
    [`${TCP}, interval: x}]}`, 'health.tcp[0].interval: '],
  ])('%s is refused', async (text, problem) => {
    await expect(load(text)).rejects.toThrow(`config.yml:4: ${problem}`);
  });

  it('have no effect without a debug address, and that is said', async () => {
    expect(await warnings('health: {file: [{file: /away}], http: [], tcp: [{addr: "h:1"}]}')).toEqual(
      ['file', 'tcp'].map(
        (kind) =>
          `config.yml:4: health.${kind}: has no effect without http.debug.addr, where it would be told`,
      ),
    );
  });

  it('send fields that the effective configuration does not show', async () => {
    const { effective } = await load(`${DEBUG}${HTTP}, headers: {Authorization: [Basic hunter2]}}]}`);
    expect(dump(effective)).not.toContain('hunter2');
    expect(dump(effective)).toContain('Authorization');
  });
});
