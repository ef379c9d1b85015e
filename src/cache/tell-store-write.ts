import type { Digest } from '../oci/digest.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { tellStoreFailure } from './tell-store-failure.ts';

/**
 * Waits for a write into the store, and tells what became of it; a client is none the wiser.
 * @param writing resolves with `false` where nothing had to be written
 * @returns whether the store holds it now
 * @throws whatever is no failure of the store
 */
export async function tellStoreWrite(
  writing: Promise<boolean | void>,
  digest: Digest,
  telemetry: Telemetry,
): Promise<boolean> {
  try {
    if ((await writing) !== false) telemetry.emit({ kind: 'store-written', digest });
    return true;
  } catch (error) {
    tellStoreFailure(error, digest, telemetry);
    return false;
  }
}
