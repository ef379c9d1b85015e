/** Bytes in order, taken out in other pieces than they were put in, without copying. */
export class ByteQueue {
  #pieces: Buffer[] = [];
  /** The first piece that is not taken out as a whole. */
  #first = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#sizeBytes += piece.length;
  }

  /** Takes out the next bytes, as many as there are at most. */
  take(bytes: number): readonly Buffer[] {
    const taken: Buffer[] = [];
    let missing = Math.min(bytes, this.#sizeBytes);
    this.#sizeBytes -= missing;
    for (let piece = this.#pieces[this.#first]; piece !== undefined && missing > 0;) {
      if (piece.length > missing) {
        taken.push(piece.subarray(0, missing));
        this.#pieces[this.#first] = piece.subarray(missing);
        break;
      }
      taken.push(piece);
      missing -= piece.length;
      this.#first += 1;
      piece = this.#pieces[this.#first];
    }
    this.#compact();
    return taken;
  }

  /** Drops the last bytes. */
  dropLast(bytes: number): void {
    this.#pieces = [...this.take(this.#sizeBytes - bytes)];
    this.#first = 0;
    this.#sizeBytes = this.#pieces.reduce((total, piece) => total + piece.length, 0);
  }

  #compact(): void {
    if (this.#first === 0 || this.#first < this.#pieces.length / 2) return;
    this.#pieces.splice(0, this.#first);
    this.#first = 0;
  }
}
