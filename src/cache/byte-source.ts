/** Bytes of one blob, stored or still arriving. Whoever is given one closes it. */
export interface ByteSource {
  /** Undefined while the upstream has not told. */
  readonly sizeBytes: number | undefined;
  /**
   * Reads from `position` on, as much as there is and fits; waits while there is nothing yet.
   * @returns the number of bytes read; 0 at the end
   * @throws where the rest will never come, or the signal's reason
   */
  read(into: Buffer, position: number, signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}
