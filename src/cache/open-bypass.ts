import type { Clock } from '../async/clock.ts';
import type { Repository } from '../oci/namespace.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { BadContent } from './bad-content.ts';
import type { BlobPull } from './blob-cache.ts';
import { BypassSource } from './bypass.ts';
import type { ByteSource } from './byte-source.ts';

/** Reads what a fill has left of a blob's beginning, whatever it had announced. */
export type BypassPrefix = (into: Buffer, position: number) => Promise<number>;

export interface OpenBypassDeps {
  readonly upstreamOf: (repository: Repository) => Upstream;
  readonly badContent: BadContent;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** A blob for one client straight from the upstream; who sends wrong bytes is remembered and told of. */
export function openBypass(
  { digest, passport, repository }: BlobPull,
  sizeBytes: number | undefined,
  prefix: BypassPrefix | undefined,
  { upstreamOf, badContent, clock, telemetry }: OpenBypassDeps,
): ByteSource {
  let sender = '';
  const avoids = (upstream: string): boolean => badContent.has(digest, upstream);
  return new BypassSource({
    digest,
    sizeBytes,
    open: async (startBytes, signal) => {
      const request = { name: repository.name, digest, startBytes, sizeBytes, avoids };
      const answer = await upstreamOf(repository).openBlob(request, passport, signal);
      if (answer.kind === 'found') sender = answer.upstream;
      return answer;
    },
    prefix,
    clock,
    onWrongDigest: (got) => {
      badContent.add(digest, sender);
      telemetry.emit({ kind: 'digest-mismatch', wanted: digest, got, upstream: sender });
    },
  });
}
