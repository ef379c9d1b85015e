import { mathisBitsPerSecond } from './mathis.ts';

/** A long link, as the connections on it feel it. */
export interface LinkOptions {
  /** Where the far end is. */
  readonly to: { readonly host: string; readonly port: number };
  readonly roundTripMs: number;
  /** Of the whole link in each direction, shared by its connections. */
  readonly rateBitsPerSecond: number;
  /** Lost segments, 0 to 1: they only lower one connection's ceiling, no byte is lost. 0 by default. */
  readonly lossRatio?: number;
  /** The most that is added to the way of some bytes, evenly spread; bytes never overtake each other. 0 by default. */
  readonly jitterMs?: number;
  /** A ceiling for one connection beside that of loss and round trip. None by default. */
  readonly connectionRateBitsPerSecond?: number;
  /** Payload bytes of a segment: 1460 by default. */
  readonly mss?: number;
  /** Whether a connection begins with ten segments a round trip and doubles from there, as TCP does. On by default. */
  readonly slowStart?: boolean;
  /** Of the jitter: the same seed and the same traffic give the same delays. */
  readonly seed?: number;
}

/** The link's figures, complete and checked. */
export interface LinkShape {
  readonly oneWayMs: number;
  readonly roundTripMs: number;
  readonly linkBitsPerSecond: number;
  /** Of one connection that is alone; at most the link's own rate. */
  readonly ceilingBitsPerSecond: number;
  readonly jitterMs: number;
  readonly mssBytes: number;
  readonly slowStart: boolean;
  readonly seed: number;
}

/** @throws {RangeError} where a figure describes no link */
export function shapeOf(options: LinkOptions): LinkShape {
  const { roundTripMs, rateBitsPerSecond: linkBitsPerSecond, lossRatio = 0, jitterMs = 0 } = options;
  const {
    mss: mssBytes = 1460,
    connectionRateBitsPerSecond = Infinity,
    slowStart = true,
    seed = 1,
  } = options;
  check('roundTripMs', roundTripMs, roundTripMs >= 0 && roundTripMs < Infinity);
  check('rateBitsPerSecond', linkBitsPerSecond, linkBitsPerSecond > 0 && linkBitsPerSecond < Infinity);
  check('lossRatio', lossRatio, lossRatio >= 0 && lossRatio < 1);
  check('jitterMs', jitterMs, jitterMs >= 0 && jitterMs < Infinity);
  check('mss', mssBytes, Number.isInteger(mssBytes) && mssBytes > 0);
  check('connectionRateBitsPerSecond', connectionRateBitsPerSecond, connectionRateBitsPerSecond > 0);
  const lossy = mathisBitsPerSecond({ mssBytes, roundTripMs, lossRatio });
  return {
    oneWayMs: roundTripMs / 2,
    roundTripMs,
    linkBitsPerSecond,
    ceilingBitsPerSecond: Math.min(linkBitsPerSecond, connectionRateBitsPerSecond, lossy),
    jitterMs,
    mssBytes,
    slowStart,
    seed,
  };
}

function check(name: string, value: number, good: boolean): void {
  if (!good) throw new RangeError(`${name} cannot be ${value}`);
}
