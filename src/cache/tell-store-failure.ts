import type { Digest } from '../oci/digest.ts';
import { StoreWriteError } from '../store/store-write-error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/**
 * Tells the operator that the store did not take something; the client is none the wiser.
 * @throws whatever is no failure of the store
 */
export function tellStoreFailure(error: unknown, digest: Digest, telemetry: Telemetry): void {
  if (!(error instanceof StoreWriteError)) throw error;
  telemetry.emit({ kind: 'store-write-failed', code: error.code, digest, reason: error.message });
}
