import { type Family, family } from './family.ts';
import type { KnownLabels } from './known-labels.ts';
import type { FillFact, MetricFacts, StoreFact, UpstreamFact } from './metric-facts.ts';

/** @param facts undefined where they could not be looked up: then nothing is told rather than something old */
export function factFamilies(facts: MetricFacts | undefined, labels: KnownLabels): readonly Family[] {
  return [
    family(
      'gauge',
      'regcache_facts_ok',
      '1 where fills, upstreams and the store could be looked up for this scrape.',
      facts === undefined ? 0 : 1,
    ),
    ...(facts === undefined
      ? []
      : [
          ...fillFamilies(facts.fills, labels),
          ...upstreamFamilies(facts.upstreams),
          ...storeFamilies(facts.store),
        ]),
  ];
}

function fillFamilies(fills: readonly FillFact[], labels: KnownLabels): readonly Family[] {
  const none = labels.namespaces.map((namespace) => ({ namespace, ahead: false, followers: 0, fills: 0 }));
  const all = [
    ...none,
    ...none.map((one) => ({ ...one, ahead: true })),
    ...fills.map(({ repository, ahead, followers }) => ({
      namespace: labels.namespace(repository.split('/', 1)[0]),
      ahead,
      followers,
      fills: 1,
    })),
  ];
  return [
    family(
      'gauge',
      'regcache_running_fills',
      'Downloads into the store that run; ahead: no client has asked for it yet.',
      all.map(({ namespace, ahead, fills: value }) => ({
        labels: { namespace, ahead: String(ahead) },
        value,
      })),
    ),
    family(
      'gauge',
      'regcache_fill_followers',
      'Clients that read or wait for a running download.',
      all.map(({ namespace, followers: value }) => ({ labels: { namespace }, value })),
    ),
  ];
}

function upstreamFamilies(upstreams: readonly UpstreamFact[]): readonly Family[] {
  const by = (told: (state: UpstreamFact['state']) => boolean): Family['values'] =>
    upstreams.map(({ namespace, name: upstream, role, state }) => ({
      labels: { namespace, upstream, role },
      value: told(state) ? 1 : 0,
    }));
  return [
    family(
      'gauge',
      'regcache_upstream_up',
      '0 where a hop or an origin is left out because it failed.',
      by((state) => state !== 'down'),
    ),
    family(
      'gauge',
      'regcache_upstream_paused',
      '1 where it has asked to be left alone for a while.',
      by((state) => state === 'paused'),
    ),
  ];
}

function storeFamilies(store: StoreFact): readonly Family[] {
  const gauge = (name: string, help: string, value: number): Family =>
    family('gauge', `regcache_store_${name}`, help, value);
  return [
    gauge('blobs', 'Blobs and manifests that are stored.', store.blobs),
    gauge('bytes', 'Bytes of all that is stored.', store.bytes),
    gauge('quota_bytes', 'What the store may hold; 0: no quota is set.', store.quotaBytes ?? 0),
    gauge('ttl_seconds', 'How long what is not used is kept; 0: for ever.', (store.ttlMs ?? 0) / 1000),
    gauge('filesystem_size_bytes', 'Size of the file system that the store is on.', store.diskBytes),
    gauge('filesystem_free_bytes', 'What is free on it.', store.diskFreeBytes),
    gauge(
      'writable',
      '0 from a write that failed to the next that works.',
      store.failure === undefined ? 1 : 0,
    ),
  ];
}
