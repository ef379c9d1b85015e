import type { Digest } from '../src/oci/digest.ts';
import { readManifest } from '../src/oci/manifest.ts';
import { MANIFEST_ACCEPT } from '../src/oci/media-type.ts';
import type { Answer, AskOptions } from '../fixtures/client.ts';
import { bytesContent } from '../src/bench/image/content.ts';
import { readHopAnswers } from '../src/bench/pull/hop-answers.ts';

/** What one hop did for one request, from `Cache-Status`, and how long it waited, from `Server-Timing`. */
export interface HopAnswer {
  readonly outcome: string;
  /** How long this hop waited for the next one's answer to begin, milliseconds. */
  readonly waitedMs: number | undefined;
}

/** One object of a pull. */
export interface PulledObject {
  readonly name: string;
  readonly sizeBytes: number;
  /** From the request to the last byte, milliseconds. */
  readonly tookMs: number;
  readonly hops: ReadonlyMap<string, HopAnswer>;
}

/** How to ask the registry that is pulled from. */
export type AskRegistry = (path: string, options: AskOptions) => Promise<Answer>;

/**
 * Pulls an image as a client does: the manifest by its tag, then config and layers.
 * @throws where an answer is none, or its bytes have another digest than they should
 */
export async function pullImage(
  ask: AskRegistry,
  repository: string,
  tag: string,
): Promise<readonly PulledObject[]> {
  const accept = MANIFEST_ACCEPT.join(', ');
  const manifest = await pull('manifest', async () =>
    ask(`/v2/${repository}/manifests/${tag}`, { headers: { accept } }),
  );
  const pulled: PulledObject[] = [manifest.object];
  for (const [index, blob] of (readManifest(manifest.bytes)?.blobs ?? []).entries()) {
    const name = index === 0 ? 'config' : `layer ${index}`;
    const { object } = await pull(
      name,
      async () => ask(`/v2/${repository}/blobs/${blob.digest}`, {}),
      blob.digest,
    );
    pulled.push(object);
  }
  return pulled;
}

async function pull(
  name: string,
  request: () => Promise<Answer>,
  digest?: Digest,
): Promise<{ object: PulledObject; bytes: Buffer }> {
  const startedAtMs = performance.now();
  const answer = await request();
  const bytes = await answer.bytes();
  const tookMs = performance.now() - startedAtMs;
  if (answer.status !== 200) throw new Error(`${name}: the answer was ${answer.status}: ${bytes.toString()}`);
  const wanted = digest ?? answer.headers['docker-content-digest'];
  const got = bytesContent(bytes).digest;
  if (got !== wanted) throw new Error(`${name}: the digest should be ${String(wanted)} and is ${got}`);
  const object = {
    name,
    sizeBytes: bytes.length,
    tookMs,
    hops: readHops(fieldOf(answer, 'cache-status'), fieldOf(answer, 'server-timing')),
  };
  return { object, bytes };
}

function fieldOf(answer: Answer, name: string): string {
  const field = answer.headers[name];
  return Array.isArray(field) ? field.join(', ') : (field ?? '');
}

function readHops(cacheStatus: string, serverTiming: string): ReadonlyMap<string, HopAnswer> {
  return new Map(
    readHopAnswers(cacheStatus, serverTiming).map(({ hop, outcome = 'unknown', waitedMs }) => [
      hop,
      { outcome, waitedMs },
    ]),
  );
}
