import type { Tally } from './snapshot.ts';

/** Shares from 0 to 1; undefined where nothing was read yet. */
export interface HitRate {
  readonly requests: number | undefined;
  /** Below 0 where more was fetched than was sent: ahead of clients, or for clients that left. */
  readonly bytes: number | undefined;
}

/** The two hit rates of a tally, as every command and every metric counts them. */
export function hitRate({ reads, outcomes, toClientsBytes, fromUpstreamBytes }: Tally): HitRate {
  return {
    requests: reads === 0 ? undefined : outcomes.hit / reads,
    bytes: toClientsBytes === 0 ? undefined : 1 - fromUpstreamBytes / toClientsBytes,
  };
}
