/** Of random losses and an acknowledgement for every segment: the paper's table of constants. */
const CONSTANT = Math.sqrt(3 / 2);

export interface MathisPath {
  /** Payload bytes of one segment. */
  readonly mssBytes: number;
  readonly roundTripMs: number;
  /** The part of the segments that are lost, 0 to 1. */
  readonly lossRatio: number;
}

/**
 * The most that one TCP connection under Reno's congestion avoidance reaches on a lossy path, in bits a second:
 * `(MSS / RTT) · C / √p` with `C = √(3/2)`. No bound where nothing is lost or where the path takes no time.
 *
 * M. Mathis, J. Semke, J. Mahdavi, T. Ott: The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm,
 * ACM SIGCOMM Computer Communication Review 27(3), July 1997.
 */
export function mathisBitsPerSecond({ mssBytes, roundTripMs, lossRatio }: MathisPath): number {
  if (lossRatio === 0 || roundTripMs === 0) return Infinity;
  return ((mssBytes * 8) / (roundTripMs / 1000)) * (CONSTANT / Math.sqrt(lossRatio));
}
