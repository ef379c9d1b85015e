import { AppendFile } from './append-file.ts';
import type { OpenFile } from './open-file.ts';

/** A part of a growing file that is written in order, from its start on. */
export interface Stretch {
  readonly startBytes: number;
  readonly file: AppendFile;
}

/** The parts of a growing file that several connections write at a time; which of its bytes are there. */
export class Stretches {
  readonly #file: Pick<OpenFile, 'writev'>;
  readonly #onChange: () => void;
  /** By their starts. */
  readonly #stretches: Stretch[] = [];

  /** @param onChange told when more is written, or a write has failed */
  constructor(file: Pick<OpenFile, 'writev'>, onChange: () => void) {
    this.#file = file;
    this.#onChange = onChange;
  }

  /** Why nothing more is written; undefined while all is well. */
  get failure(): Error | undefined {
    return this.#stretches.find(({ file }) => file.failure !== undefined)?.file.failure;
  }

  /** Begins another part; parts must not overlap. */
  open(startBytes: number): Stretch {
    const stretch = { startBytes, file: new AppendFile(this.#file, this.#onChange, startBytes) };
    const next = this.#stretches.findIndex((other) => other.startBytes > startBytes);
    this.#stretches.splice(next === -1 ? this.#stretches.length : next, 0, stretch);
    return stretch;
  }

  /** The offset up to which bytes are written without a gap, from `startBytes` on; `startBytes` where there are none. */
  writtenFrom(startBytes: number): number {
    let end = startBytes;
    for (const { startBytes: start, file } of this.#stretches) {
      if (start > end) break;
      end = Math.max(end, file.writtenBytes);
    }
    return end;
  }

  async flush(): Promise<void> {
    await Promise.all(this.#stretches.map(async ({ file }) => file.flush()));
  }

  /** Drops what is unwritten, fails whoever waits for it, and waits for the writes in flight. */
  async stop(reason: Error): Promise<void> {
    await Promise.all(this.#stretches.map(async ({ file }) => file.stop(reason)));
  }
}
