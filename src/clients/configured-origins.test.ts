import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/load-config.ts';
import type { Origin } from './client.ts';
import { configuredOrigins } from './configured-origins.ts';

async function originsOf(
  source: string,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Origin[]> {
  const { config, effective } = await loadConfig({
    file: 'config.yml',
    env,
    readFile: () => Promise.resolve(`version: 0.1\nstorage: {filesystem: {rootdirectory: /r}}\n${source}`),
  });
  return configuredOrigins(config.upstreams, effective);
}

function downstream(upstreams: string): string {
  return `middleware: {registry: [{name: downstream, options: {upstreams: ${upstreams}}}]}`;
}

describe('configuredOrigins', () => {
  it('has each origin in its order, and not the hops on the way to it', async () => {
    const upstreams =
      '[{originhost: "https://dtr.example.com:8443", upstreamhosts: ["https://asia.example"]},' +
      ' {originhost: "https://registry-1.docker.io"}, {originhost: "http://10.0.0.7", namespace: in.example}]';
    expect(await originsOf(downstream(upstreams))).toEqual([
      { namespace: 'dtr.example.com:8443', url: 'https://dtr.example.com:8443' },
      { namespace: 'docker.io', url: 'https://registry-1.docker.io' },
      { namespace: 'in.example', url: 'http://10.0.0.7' },
    ]);
  });

  it('has the origin of a proxy', async () => {
    expect(await originsOf('proxy: {remoteurl: "https://registry-1.docker.io"}')).toEqual([
      { namespace: 'docker.io', url: 'https://registry-1.docker.io' },
    ]);
  });

  it('takes a plain hop for the origin, which nothing names', async () => {
    expect(await originsOf(downstream('["https://asia.example"]'))).toEqual([
      { namespace: 'asia.example', url: 'https://asia.example' },
    ]);
  });

  it('skips middleware that is switched off, and follows the environment', async () => {
    const source =
      'middleware: {registry: [{name: downstream, disabled: true, options: {upstreams: ["https://off.example"]}},' +
      ' {name: downstream, options: {upstreams: [{originhost: "https://on.example", upstreamhosts: ["https://hop.example"]}]}}]}';
    expect(await originsOf(source)).toEqual([{ namespace: 'on.example', url: 'https://on.example' }]);
    const env = { REGISTRY_MIDDLEWARE_REGISTRY_1_OPTIONS_UPSTREAMS_0_ORIGINHOST: 'https://new.example' };
    expect(await originsOf(source, env)).toEqual([{ namespace: 'new.example', url: 'https://new.example' }]);
  });
});
