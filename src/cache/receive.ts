import type { Clock } from '../async/clock.ts';
import type { ByteSink } from '../upstream/body.ts';
import { UpstreamError } from '../upstream/error.ts';
import type { BlobAnswer } from '../upstream/upstream.ts';

export type FoundBlob = Extract<BlobAnswer, { kind: 'found' }>;

/** Waits before each try that follows one without progress; when they are used up, the upstream has failed. */
const RETRY_DELAYS_MS: readonly number[] = [0, 100, 300, 1_000, 2_000, 4_000];

/** A part of a blob on its way: both ends move while it is received. */
export interface Part {
  /** The first byte that has not come yet. */
  atBytes: number;
  /** The offset after the last byte that is wanted; it may come nearer. Infinity where the size is not known. */
  endBytes: number;
}

export interface ReceiveOptions {
  readonly part: Part;
  /** The answer that has come already, from the part's start or before. */
  readonly first?: FoundBlob | undefined;
  /** The size that clients were told; undefined where they were told none. */
  readonly sizeBytes: number | undefined;
  /** Asks for what the part lacks, until the signal says that nobody wants it any more. */
  readonly open: (part: Part, signal: AbortSignal) => Promise<BlobAnswer>;
  readonly sink: ByteSink;
  /** Told once it goes on after it broke off: where, and why it broke off. */
  readonly onResume: (offsetBytes: number, error: UpstreamError) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Takes a part of a blob in order from an upstream that may break off: it is asked again at the same offset, and any
 * progress renews the budget of tries.
 * @throws {UpstreamError} when the upstream has failed for good; the signal's reason; whatever the sink throws
 */
export async function receivePart(options: ReceiveOptions): Promise<void> {
  const { part, clock, signal, sizeBytes } = options;
  let answer = options.first && sameSize(options.first, sizeBytes);
  let broken: UpstreamError | undefined;
  for (let idle = 0; ;) {
    const before = part.atBytes;
    const goesOn = (): void => {
      if (broken !== undefined) options.onResume(before, broken);
      broken = undefined;
    };
    try {
      answer ??= await reopen(options);
      await drain(answer, options, goesOn);
      goesOn();
      // Where the size is unknown, the clean end is the end.
      if (part.endBytes === Infinity || part.atBytes >= part.endBytes) return;
      throw new UpstreamError('cut', 'the answer ended too early');
    } catch (error) {
      if (error instanceof PartIsWhole) return;
      signal.throwIfAborted();
      if (!(error instanceof UpstreamError) || !error.retryable) throw error;
      idle = part.atBytes > before ? 0 : idle + 1;
      const delayMs = RETRY_DELAYS_MS[idle];
      if (delayMs === undefined) throw error;
      if (delayMs > 0) await clock.sleep(delayMs, signal);
      // What broke off is told, not what became of each further try.
      broken ??= error;
      answer = undefined;
    }
  }
}

/** Receives a blob from an offset on to its end. @returns its size */
export async function receiveBlob(
  options: Omit<ReceiveOptions, 'part' | 'open'> & {
    readonly offsetBytes: number;
    readonly open: (offsetBytes: number) => Promise<BlobAnswer>;
  },
): Promise<number> {
  const part = { atBytes: options.offsetBytes, endBytes: options.sizeBytes ?? Infinity };
  await receivePart({ ...options, part, open: async ({ atBytes }) => options.open(atBytes) });
  return part.atBytes;
}

/** The part's end came nearer while its bytes were under way: what follows is another connection's. */
class PartIsWhole extends Error {
  override readonly name = 'PartIsWhole';
}

async function reopen({ part, open, sizeBytes, signal }: ReceiveOptions): Promise<FoundBlob> {
  const answer = await open(part, signal);
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
  { part, sizeBytes, sink, signal }: ReceiveOptions,
  onBytes: () => void,
): Promise<void> {
  let position = answer.startBytes;
  // What nobody wants any more may be silent: it would not be missed before its idle timeout.
  using _ = aborts(answer, signal);
  await answer.body.consume((chunk) => {
    const known = Math.max(0, Math.min(chunk.length, part.atBytes - position));
    position += chunk.length;
    if (sizeBytes !== undefined && position > sizeBytes) {
      throw new UpstreamError('protocol', 'it sent more bytes than it announced');
    }
    const wanted = chunk.subarray(
      known,
      Math.max(known, chunk.length - Math.max(0, position - part.endBytes)),
    );
    if (wanted.length > 0) onBytes();
    part.atBytes += wanted.length;
    const pause = wanted.length === 0 ? undefined : sink(wanted);
    if (position <= part.endBytes || part.atBytes < part.endBytes) return pause;
    // The write of the last piece is waited for by the commit.
    pause?.catch(() => undefined);
    throw new PartIsWhole();
  });
}

/** Gives an answer up once the signal aborts. */
function aborts({ body }: FoundBlob, signal: AbortSignal): Disposable {
  const abort = (): void => body.abort(new Error('nobody wants the rest', { cause: signal.reason }));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', abort) };
}
