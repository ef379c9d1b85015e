import type { Digest } from '../oci/digest.ts';
import { StoreWriteError } from '../store/store-write-error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { BadContent } from './bad-content.ts';
import { WrongDigestError } from './fill-error.ts';
import { tellStoreFailure } from './tell-store-failure.ts';

interface FailedFill {
  readonly digest: Digest;
  /** Who was asked. */
  readonly upstream: string;
  /** Who has sent any of it. */
  readonly senders: ReadonlySet<string>;
  /** How far it came; undefined where nothing was to be written yet: then its clients' answers tell. */
  readonly offsetBytes: number | undefined;
}

/** Tells the operator why a fill failed; who sent wrong bytes is not asked for them again soon. */
export function tellFillFailure(
  error: unknown,
  { digest, upstream, senders, offsetBytes }: FailedFill,
  { telemetry, badContent }: { readonly telemetry: Telemetry; readonly badContent: BadContent },
): void {
  if (error instanceof WrongDigestError) {
    for (const sender of senders) badContent.add(digest, sender);
    const names = [...senders].join(', ');
    telemetry.emit({ kind: 'digest-mismatch', wanted: digest, got: error.got, upstream: names });
  } else if (error instanceof StoreWriteError) {
    tellStoreFailure(error, digest, telemetry);
  } else if (offsetBytes !== undefined) {
    const reason = error instanceof Error ? error.message : String(error);
    telemetry.emit({ kind: 'fill-failed', digest, upstream, offsetBytes, reason });
  }
}
