import { type ConfigNode, findNodes } from './config-node.ts';
import type { Problem } from './problem.ts';

const PULL_ONLY = 'a cache takes no pushes';

/** Keys that other registries know, by pattern, and why they are of no consequence here. */
export const NO_EFFECT: Readonly<Record<string, string>> = {
  redis: 'there is no database to run here',
  notifications: 'no events are sent',
  validation: PULL_ONLY,
  catalog: "the catalog is the upstream's",
  tags: "lists of tags are the upstream's",
  policy: PULL_ONLY,
  compatibility: 'manifests are passed on as they are',
  reporting: 'nothing is reported to other services',
  'log.hooks': 'let the log be watched by what collects it',
  'log.reportcaller': 'log lines name events',
  'storage.cache': 'manifests and descriptors are cached in any case',
  'storage.redirect': 'blobs are served from here',
  'storage.tag': PULL_ONLY,
  'storage.filesystem.maxthreads': 'files are read by as many threads as Node has',
  'storage.maintenance.uploadpurging': `there is nothing to purge: ${PULL_ONLY}`,
  'http.http2': 'HTTP/1.1 is spoken',
  'http.h2c': 'HTTP/1.1 is spoken',
  'http.secret': `nothing needs to be signed: ${PULL_ONLY}`,
  'http.host': 'links are relative; only `regcache clients` takes it, for the cache’s URL',
  'http.relativeurls': 'links are relative',
};

/** Each key that is accepted and does nothing, whatever stands in it. */
export function findNoEffect(root: ConfigNode): readonly Problem[] {
  return Object.entries(NO_EFFECT).flatMap(([pattern, why]) =>
    findNodes(root, pattern).map(({ path }) => ({ path, message: `has no effect: ${why}` })),
  );
}
