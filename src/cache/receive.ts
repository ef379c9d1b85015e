import type { Clock } from '../async/clock.ts';
import type { ByteSink } from '../upstream/body.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { BlobAnswer } from '../upstream/upstream.ts';

export type FoundBlob = Extract<BlobAnswer, { kind: 'found' }>;

/** Waits before each try that follows one without progress; when they are used up, the upstream has failed. */
const RETRY_DELAYS_MS: readonly number[] = [0, 100, 300, 1_000, 2_000, 4_000];

export interface ReceiveOptions {
  /** The answer that has come already, from `offsetBytes` or before. */
  readonly first: FoundBlob;
  /** The size that clients were told; undefined where they were told none. */
  readonly sizeBytes: number | undefined;
  /** Where the sink stands: the first byte that it has not. */
  readonly offsetBytes: number;
  /** Asks for the blob again from an offset on. */
  readonly open: (offsetBytes: number) => Promise<BlobAnswer>;
  readonly sink: ByteSink;
  readonly onResume: (offsetBytes: number, error: UpstreamError) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Takes a blob in order from an upstream that may break off: it is asked again at the same offset, and any
 * progress renews the budget of tries.
 * @returns the blob's size
 * @throws {UpstreamError} when the upstream has failed for good; the signal's reason; whatever the sink throws
 */
export async function receiveBlob(options: ReceiveOptions): Promise<number> {
  const { clock, signal, sizeBytes } = options;
  let offsetBytes = options.offsetBytes;
  let answer: FoundBlob | undefined = sameSize(options.first, sizeBytes);
  for (let idle = 0; ;) {
    const before = offsetBytes;
    try {
      answer ??= await reopen(options, offsetBytes, sizeBytes);
      await drain(answer, offsetBytes, sizeBytes, (chunk) => {
        offsetBytes += chunk.length;
        return options.sink(chunk);
      });
      if (sizeBytes === undefined || offsetBytes === sizeBytes) return offsetBytes;
      throw new UpstreamError('cut', 'the answer ended too early');
    } catch (error) {
      // Where the size is unknown, an early end can't be told from the end: only a broken connection is resumed.
      if (signal.aborted || !(error instanceof UpstreamError) || !error.retryable) throw error;
      idle = offsetBytes > before ? 0 : idle + 1;
      const delayMs = RETRY_DELAYS_MS[idle];
      if (delayMs === undefined) throw error;
      if (delayMs > 0) await clock.sleep(delayMs, signal);
      options.onResume(offsetBytes, error);
      answer = undefined;
    }
  }
}

async function reopen(
  options: ReceiveOptions,
  offsetBytes: number,
  sizeBytes: number | undefined,
): Promise<FoundBlob> {
  const answer = await options.open(offsetBytes);
  if (answer.kind === 'refused') {
    throw new UpstreamError(
      'protocol',
      `it answered ${answer.trail.status} to the rest of a blob that it had begun`,
    );
  }
  return sameSize(answer, sizeBytes);
}

function sameSize(answer: FoundBlob, sizeBytes: number | undefined): FoundBlob {
  if (sizeBytes === undefined || answer.sizeBytes === undefined || answer.sizeBytes === sizeBytes)
    return answer;
  answer.body.abort(new Error('another size'));
  throw new UpstreamError('protocol', `the blob had ${sizeBytes} bytes and now has ${answer.sizeBytes}`);
}

async function drain(
  answer: FoundBlob,
  offsetBytes: number,
  sizeBytes: number | undefined,
  sink: ByteSink,
): Promise<void> {
  let position = answer.startBytes;
  await answer.body.consume((chunk) => {
    const known = Math.max(0, Math.min(chunk.length, offsetBytes - position));
    position += chunk.length;
    if (sizeBytes !== undefined && position > sizeBytes) {
      throw new UpstreamError('protocol', 'it sent more bytes than it announced');
    }
    return known === chunk.length ? undefined : sink(chunk.subarray(known));
  });
}
