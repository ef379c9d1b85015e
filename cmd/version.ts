declare const REGCACHE_VERSION: string | undefined;

/** The version that the build wrote into the program. */
export const VERSION: string = typeof REGCACHE_VERSION === 'string' ? REGCACHE_VERSION : '0.0.0-source';
