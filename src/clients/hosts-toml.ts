import { cacheHref } from './cache-url.ts';
import type { Origin, PlannedFile, Setup } from './client.ts';
import { tomlString } from './toml-string.ts';

/**
 * containerd's host configuration: a `hosts.toml` for each namespace, and the CA in the folder of the cache itself,
 * where it also counts for images that are named by the cache. Names of files are relative to the `hosts.toml` that
 * they stand in, so that the whole folder can lie anywhere.
 * @param root the folder of all hosts, such as `/etc/containerd/certs.d`
 */
export function hostsTomlFiles(setup: Setup, root: string): readonly PlannedFile[] {
  return [
    ...setup.origins.map((origin) => ({
      path: `${root}/${origin.namespace}/hosts.toml`,
      content: hostsToml(setup, origin),
    })),
    ...caFile(setup, root),
  ];
}

/** The CA in the folder that a client keeps for the cache; none where the system's CAs do. */
export function caFile(setup: Setup, root: string): readonly PlannedFile[] {
  if (setup.ca === undefined) return [];
  return [{ path: `${root}/${setup.cache.authority}/ca.crt`, content: setup.ca }];
}

function hostsToml(setup: Setup, origin: Origin): string {
  const { cache, ca, clientCertificate } = setup;
  const folder = `../${cache.authority}`;
  const [certificate, key] = [tomlString(`${folder}/client.cert`), tomlString(`${folder}/client.key`)];
  const lines = [
    `# ${origin.namespace}: the cache first, the origin where the cache does not answer`,
    `server = ${tomlString(origin.url)}`,
    '',
    `[host.${tomlString(cacheHref(cache))}]`,
    '  capabilities = ["pull", "resolve"]',
    ...(ca === undefined ? [] : [`  ca = ${tomlString(`${folder}/ca.crt`)}`]),
    ...(clientCertificate === 'required' ? [`  client = [[${certificate}, ${key}]]`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
