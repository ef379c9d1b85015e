import type { ServerResponse } from 'node:http';
import { orAbort } from '../async/shared-task.ts';
import type { ByteSource } from '../cache/byte-source.ts';
import type { BufferPool } from './buffer-pool.ts';

const FIRST_BUFFER_BYTES = 64 * 1024;
/** What the socket buffers of both sides swallow though nobody reads: Linux sends up to 4 MiB, plus the receiver's window. */
const SWALLOWED_BYTES = 6 * 1024 * 1024;

export interface SendOptions {
  readonly source: ByteSource;
  readonly startBytes: number;
  /** The offset after the last byte; undefined where the source's end is not known yet. */
  readonly endBytes: number | undefined;
  readonly pool: BufferPool;
  /** How far a reader's buffers may grow: more pays only where nothing is encrypted. */
  readonly maxBufferBytes: number;
  /** Told what the socket has taken. */
  readonly onSent: (bytes: number) => void;
  readonly signal: AbortSignal;
}

interface Slot {
  buffer: Buffer;
  /** Resolves when the socket has taken the bytes. */
  flushed: Promise<void> | undefined;
  /** Whether it has taken a full buffer already. */
  drained: boolean;
}

/**
 * Sends a part of a source as a body: one buffer is read into while the other one is written. The caller has
 * written the head and ends the response.
 * @throws where the source ends too early or fails, or the signal's reason
 */
export async function sendBytes(response: ServerResponse, options: SendOptions): Promise<void> {
  const { source, pool, signal, startBytes, endBytes = Infinity } = options;
  let slot = newSlot(pool);
  let other = newSlot(pool);
  let position = startBytes;
  let clean = false;
  try {
    while (position < endBytes) {
      const keepsUp = slot.drained && position - startBytes > SWALLOWED_BYTES;
      signal.throwIfAborted();
      // An answer that waits behind another one on its connection is never told that the socket is gone.
      if (slot.flushed !== undefined) await orAbort(slot.flushed, signal);
      if (keepsUp) grow(slot, pool, options.maxBufferBytes);
      const wanted = Math.min(slot.buffer.length, endBytes - position);
      const length = await source.read(slot.buffer.subarray(0, wanted), position, signal);
      if (length === 0) break;
      position += length;
      write(response, slot, length, options.onSent);
      [slot, other] = [other, slot];
    }
    if (endBytes !== Infinity && position < endBytes) throw new Error('the source ended too early');
    await orAbort(Promise.all([slot.flushed, other.flushed]), signal);
    clean = true;
  } finally {
    for (const { buffer } of [slot, other]) {
      if (clean) pool.give(buffer);
      else pool.drop(buffer);
    }
  }
}

function newSlot(pool: BufferPool): Slot {
  return { buffer: pool.take(FIRST_BUFFER_BYTES), flushed: undefined, drained: false };
}

function write(response: ServerResponse, slot: Slot, length: number, onSent: SendOptions['onSent']): void {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whether the loop waits for it or has already failed: nobody must be surprised by it.
  promise.catch(() => undefined);
  slot.flushed = promise;
  slot.drained = false;
  response.write(slot.buffer.subarray(0, length), (error) => {
    slot.drained = length === slot.buffer.length;
    if (error !== undefined && error !== null) {
      reject(error);
      return;
    }
    onSent(length);
    resolve();
  });
}

/** A client that had taken its last buffer before the next was read gets twice as much at a time. */
function grow(slot: Slot, pool: BufferPool, maxBytes: number): void {
  const size = slot.buffer.length * 2;
  const buffer = size > maxBytes ? undefined : pool.tryTake(size);
  if (buffer === undefined) return;
  pool.give(slot.buffer);
  slot.buffer = buffer;
}
