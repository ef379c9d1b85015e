import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { RegistryError } from '../oci/error.ts';
import { OCTET_STREAM } from '../oci/media-type.ts';
import { type ByteRange, formatContentRange, type RangeAnswer } from '../oci/range.ts';

/** A stretch of the blob as it stands in a body. */
export interface BodyPart {
  /** What comes before its bytes. */
  readonly head: string;
  readonly startBytes: number;
  /** The offset after its last byte; undefined where the blob's size is not known yet. */
  readonly endBytes: number | undefined;
}

export interface BodyLayout {
  readonly status: 200 | 206;
  readonly headers: OutgoingHttpHeaders;
  readonly parts: readonly BodyPart[];
  /** What comes after the last part. */
  readonly tail: string;
}

/**
 * Lays out the body that answers a range: the whole blob, one part of it, or several (RFC 9110 section 14.6).
 * @throws {RegistryError} RANGE_INVALID
 */
export function layOut(answer: RangeAnswer, sizeBytes: number | undefined): BodyLayout {
  if (sizeBytes === undefined || answer.kind === 'full') {
    const headers = sizeBytes === undefined ? {} : { 'content-length': sizeBytes };
    return { status: 200, headers, parts: [{ head: '', startBytes: 0, endBytes: sizeBytes }], tail: '' };
  }
  switch (answer.kind) {
    case 'partial': {
      const part = { head: '', ...bounds(answer.range) };
      const headers = {
        'content-range': formatContentRange(answer.range, sizeBytes),
        'content-length': part.endBytes - part.startBytes,
      };
      return { status: 206, headers, parts: [part], tail: '' };
    }
    case 'several':
      return layOutSeveral(answer.ranges, sizeBytes);
    case 'unsatisfiable':
      throw new RegistryError('RANGE_INVALID', 'the range lies beyond the end of the blob', {
        headers: { 'content-range': `bytes */${sizeBytes}` },
      });
  }
}

function layOutSeveral(ranges: readonly ByteRange[], sizeBytes: number): BodyLayout {
  // Random, so that no blob can hold it.
  const boundary = randomUUID();
  const parts = ranges.map((range, index) => ({
    head: [
      `${index === 0 ? '' : '\r\n'}--${boundary}`,
      `Content-Type: ${OCTET_STREAM}`,
      `Content-Range: ${formatContentRange(range, sizeBytes)}\r\n\r\n`,
    ].join('\r\n'),
    ...bounds(range),
  }));
  const tail = `\r\n--${boundary}--\r\n`;
  const length = parts.reduce(
    (sum, { head, startBytes, endBytes }) => sum + head.length + endBytes - startBytes,
    tail.length,
  );
  const headers = {
    'content-type': `multipart/byteranges; boundary=${boundary}`,
    'content-length': length,
  };
  return { status: 206, headers, parts, tail };
}

function bounds({ start, end }: ByteRange): { readonly startBytes: number; readonly endBytes: number } {
  return { startBytes: start, endBytes: end + 1 };
}
