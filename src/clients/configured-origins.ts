import type { UpstreamConfig } from '../config/config.ts';
import { DOCKER_HUB } from '../oci/namespace.ts';
import type { Origin, Setup } from './client.ts';

/**
 * The namespaces of a configuration with their origins. Hops' own addresses are told to no client, except where a
 * configuration names no origin at all.
 * @param effective the configuration in config.yml's own shape, which has the origins beside the hops
 */
export function configuredOrigins(
  upstreams: readonly [UpstreamConfig, ...UpstreamConfig[]],
  effective: unknown,
): Setup['origins'] {
  const written = originHosts(effective);
  const [first, ...others] = upstreams;
  return [
    originOf(first, written[0]),
    ...others.map((upstream, index) => originOf(upstream, written[index + 1])),
  ];
}

function originOf({ namespace, hops }: UpstreamConfig, written: string | undefined): Origin {
  if (written !== undefined) return { namespace, url: written };
  return { namespace, url: namespace === DOCKER_HUB ? 'https://registry-1.docker.io' : hops[0].url };
}

/** Each upstream's `originhost`, in their order; undefined for a plain URL. */
function originHosts(effective: unknown): readonly (string | undefined)[] {
  const registry = at(at(effective, 'middleware'), 'registry');
  const upstreams = at(at(at(registry, '0'), 'options'), 'upstreams');
  if (!Array.isArray(upstreams)) return [];
  return upstreams.map((upstream: unknown) => {
    const url = at(upstream, 'originhost');
    return typeof url === 'string' ? url : undefined;
  });
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
