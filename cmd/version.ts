import { isSea } from 'node:sea';

/** Put here by the build; undeclared when the sources run themselves. */
declare const REGCACHE_VERSION: string | undefined;
declare const REGCACHE_COMMIT: string | undefined;

/** The version that the build wrote into the program. */
export const VERSION: string = typeof REGCACHE_VERSION === 'string' ? REGCACHE_VERSION : '0.0.0-source';

/** What a report of a fault should tell of the program: as `--version --json` prints it. */
export interface VersionDetails {
  readonly version: string;
  /** The commit that it was built from, with `-dirty` where files differed from it; `unknown` outside git. */
  readonly commit: string;
  /** Of Node, inside the binary or beside the bundle. */
  readonly node: string;
  readonly platform: string;
  readonly arch: string;
  readonly program: 'binary' | 'bundle' | 'sources';
}

export function versionDetails(): VersionDetails {
  const isBuilt = typeof REGCACHE_COMMIT === 'string';
  return {
    version: VERSION,
    commit: isBuilt ? REGCACHE_COMMIT : 'unknown',
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
    program: isSea() ? 'binary' : isBuilt ? 'bundle' : 'sources',
  };
}
