import { describe, expect, it } from 'vitest';
import type { Environment } from './environment.ts';
import { type LoadedConfig, loadConfig } from './load-config.ts';

const PLAIN =
  'version: 0.1\nstorage: {filesystem: {}, delete: {enabled: true}}\nproxy: {remoteurl: "https://o"}\n';

async function load(
  text: string,
  env: Environment = {},
  file: string | undefined = 'config.yml',
): Promise<LoadedConfig> {
  return loadConfig({
    file,
    env,
    readFile: (path) =>
      path === 'config.yml' || path.startsWith('/ok')
        ? Promise.resolve(path === 'config.yml' ? text : 'something')
        : Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' })),
  });
}

describe('a variable of the environment', () => {
  it('stands for a key, its value being YAML', async () => {
    const { config, warnings } = await load(PLAIN, {
      REGISTRY_LOG_LEVEL: 'debug',
      REGISTRY_LOG_FIELDS_SERVICE: 'cache',
      REGISTRY_LOG_ACCESSLOG_DISABLED: 'yes',
      REGISTRY_STORAGE_DELETE_ENABLED: 'off',
      REGISTRY_HTTP_ADDR: '[::1]:6000',
      REGISTRY_HTTP_HEADERS: '{X-A: [b]}',
      'REGISTRY_HTTP_HEADERS_X-B': '[c]',
      REGISTRY_HTTP_TLS_CERTIFICATE: '/ok/c',
      REGISTRY_HTTP_TLS_KEY: '"/ok/k"',
      REGISTRY_HTTP_TLS_CLIENTCAS: '[/ok/1, /ok/2]',
      REGISTRY_HTTP_TLS_CLIENTCAS_1: '/ok/3',
      REGISTRY_HTTP_TLS_CLIENTCAS_2: '/ok/4',
    });
    expect(warnings).toEqual([expect.stringContaining('proxy: keeps everything')]);
    expect(config.log).toEqual({
      level: 'debug',
      formatter: 'text',
      fields: { service: 'cache' },
      accessLog: false,
    });
    expect(config.storage.deleteEnabled).toBe(false);
    expect(config.http).toMatchObject({
      listen: { kind: 'tcp', host: '::1', port: 6000 },
      headers: { 'X-A': ['b'], 'X-B': ['c'] },
      tls: { certificateFile: '/ok/c', keyFile: '/ok/k', clientCaFiles: ['/ok/1', '/ok/3', '/ok/4'] },
    });
  });

  it('reaches list items by number, the tenth after the second', async () => {
    const names = Array.from({ length: 12 }, (_, index) => [
      `REGISTRY_HTTP_TLS_CLIENTCAS_${index}`,
      `/ok/${index}`,
    ]);
    const { config } = await load(PLAIN, {
      ...Object.fromEntries(names),
      REGISTRY_HTTP_TLS_CERTIFICATE: '/ok',
      REGISTRY_HTTP_TLS_KEY: '/ok',
    });
    expect(config.http.tls?.clientCaFiles).toEqual(names.map(([, path]) => path));
  });

  it('that leaves a hole in a list is a problem of that list', async () => {
    const env = {
      REGISTRY_HTTP_TLS_CLIENTCAS_1: '/ok',
      REGISTRY_HTTP_TLS_CERTIFICATE: '/ok',
      REGISTRY_HTTP_TLS_KEY: '/ok',
    };
    await expect(load(PLAIN, env)).rejects.toThrow(
      'REGISTRY_HTTP_TLS_CLIENTCAS_1: http.tls.clientcas[0]: is required',
    );
  });

  it('with an empty value takes a key away', async () => {
    const { config } = await load(`${PLAIN}http: {addr: ":1"}`, { REGISTRY_HTTP_ADDR: '' });
    expect(config.http.listen).toMatchObject({ port: 5000 });
  });

  it('finds a key as the file spells it', async () => {
    const { config } = await load(`${PLAIN}log: {fields: {Service: a}}`, {
      REGISTRY_LOG_FIELDS_SERVICE: 'b',
    });
    expect(config.log.fields).toEqual({ Service: 'b' });
  });

  it('that fits no key is only warned about: Kubernetes makes such variables', async () => {
    const { warnings } = await load(PLAIN, {
      REGISTRY_PORT: 'tcp://10.0.0.1:5000',
      REGISTRY_PORT_5000_TCP: 'tcp://10.0.0.1:5000',
      REGISTRY_SERVICE_HOST: '10.0.0.1',
      REGISTRY_AUTH_FILE: '/run/auth.json',
      REGISTRY_HTTP_ADDRESS: ':1',
      REGISTRY_: 'x',
      OTHER_HTTP_ADDR: ':2',
      REGISTRY_HTTP_PREFIX: undefined,
    });
    expect(warnings).toEqual([
      'REGISTRY_: names no key of config.yml and is ignored',
      'REGISTRY_AUTH_FILE: names no key of config.yml and is ignored',
      'REGISTRY_HTTP_ADDRESS: names no key of config.yml and is ignored; did you mean REGISTRY_HTTP_ADDR?',
      'REGISTRY_PORT: names no key of config.yml and is ignored',
      'REGISTRY_PORT_5000_TCP: names no key of config.yml and is ignored',
      'REGISTRY_SERVICE_HOST: names no key of config.yml and is ignored',
    ]);
  });

  it('with a value that does not fit is a problem under its own name', async () => {
    await expect(
      load(PLAIN, { REGISTRY_HTTP_TLS_CERTIFICATE: '/gone', REGISTRY_HTTP_TLS_KEY: '/ok' }),
    ).rejects.toThrow(
      'REGISTRY_HTTP_TLS_CERTIFICATE: http.tls.certificate: `/gone` cannot be read (no such file)',
    );
  });

  it('can bring a whole configuration', async () => {
    const { config } = await load('', {
      REGISTRY_VERSION: '0.1',
      REGISTRY_STORAGE: 'filesystem',
      REGISTRY_MIDDLEWARE_REGISTRY_0_NAME: 'downstream',
      REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_UPSTREAMS_0: 'https://a',
    });
    expect(config.upstreams[0].hops[0].url).toBe('https://a');
  });
});

describe('the file', () => {
  it('is the one that --config names, before REGISTRY_CONFIGURATION_PATH', async () => {
    expect((await load(PLAIN, { REGISTRY_CONFIGURATION_PATH: '/gone' })).source).toBe('config.yml');
    const { source, warnings } = await loadConfig({
      file: undefined,
      env: { REGISTRY_CONFIGURATION_PATH: '/etc/c.yml' },
      readFile: () => Promise.resolve(PLAIN),
    });
    expect([source, warnings]).toEqual(['/etc/c.yml', []]);
  });

  it('that cannot be read is the only problem', async () => {
    await expect(load(PLAIN, {}, '/gone.yml')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      exitCode: 2,
      message: '/gone.yml: cannot be read (no such file); check what --config names',
    });
    const env = { REGISTRY_CONFIGURATION_PATH: '/gone' };
    const readFile = () => Promise.reject(new Error('gone'));
    await expect(loadConfig({ file: undefined, env, readFile })).rejects.toThrow(
      '/gone: cannot be read (unknown reason); check what REGISTRY_CONFIGURATION_PATH names',
    );
  });
});

describe('without a file', () => {
  const embedded = (env: Environment) =>
    loadConfig({ file: undefined, env, readFile: () => Promise.reject(new Error('no file is read')) });

  it('Docker Hub is cached for this machine alone, under the cache folder', async () => {
    const { config, warnings, source } = await embedded({ HOME: '/home/u' });
    expect(warnings).toEqual([]);
    expect(source).toContain('the embedded default');
    expect(config.storage).toEqual({ root: '/home/u/.cache/regcache', deleteEnabled: true });
    expect(config.http.listen).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 5000 });
    expect(config.cache.blobTtlMs).toBe(168 * 3_600_000);
    expect(config.upstreams).toMatchObject([
      {
        namespace: 'docker.io',
        sendNamespace: false,
        hops: [{ url: 'https://registry-1.docker.io', role: 'origin' }],
      },
    ]);
  });

  it.each([
    [{ XDG_CACHE_HOME: '/var/c', HOME: '/home/u' }, '/var/c/regcache'],
    [{ XDG_CACHE_HOME: 'relative', HOME: '/home/u' }, '/home/u/.cache/regcache'],
    [{ HOME: '', LOCALAPPDATA: '/local' }, '/local/regcache'],
    [{ HOME: '/home/a "b": c' }, '/home/a "b": c/.cache/regcache'],
  ])('%o keeps its content in %s', async (env, root) => {
    expect((await embedded(env)).config.storage.root).toBe(root);
  });

  it('the environment still counts', async () => {
    const { config } = await embedded({
      HOME: '/h',
      REGISTRY_PROXY_REMOTEURL: 'https://quay.io',
      REGISTRY_HTTP_ADDR: ':1',
    });
    expect(config.upstreams[0].namespace).toBe('quay.io');
    expect(config.http.listen).toMatchObject({ host: undefined, port: 1 });
  });

  it('upstreams of the environment take the place of Docker Hub', async () => {
    const { config } = await embedded({
      HOME: '/h',
      REGISTRY_MIDDLEWARE_REGISTRY_0_NAME: 'downstream',
      REGISTRY_MIDDLEWARE_REGISTRY_0_OPTIONS_UPSTREAMS_0_ORIGINHOST: 'https://quay.io',
    });
    expect(config.upstreams.map(({ namespace }) => namespace)).toEqual(['quay.io']);
  });

  it('and without a home there is nothing to run on', async () => {
    await expect(embedded({})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      exitCode: 2,
      hint: expect.any(String),
    });
  });
});
