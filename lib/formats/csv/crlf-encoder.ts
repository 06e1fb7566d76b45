import type { Encoder } from './format.ts';

const [quote, lineFeed, carriageReturn] = [0x22, 0x0a, 0x0d];

/**
 * Puts CR before the LF that ends a row of COPY's CSV. An LF inside of a value is between quotes, and so is every
 * quote of it, doubled: behind an even number of them a row ends. No other character of UTF-8 has these bytes in
 * it. So the pieces may be cut anywhere.
 */
export class LineEnds implements Encoder {
  rows = 0;
  #isQuoted = false;
  #made = Buffer.alloc(0);

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let last = lineFeed;
    for await (const piece of source) {
      if (piece.length === 0) continue;
      yield this.#converted(piece);
      last = piece.at(-1) ?? last;
    }
    if (this.#isQuoted || last !== lineFeed) throw new Error('the rows end inside a row');
  }

  #converted(piece: Buffer): Buffer {
    if (this.#made.length < 2 * piece.length) this.#made = Buffer.allocUnsafeSlow(2 * piece.length);
    const made = this.#made;
    let length = 0;
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] ?? 0;
      if (byte === quote) this.#isQuoted = !this.#isQuoted;
      else if (byte === lineFeed && !this.#isQuoted) {
        this.rows++;
        made[length++] = carriageReturn;
      }
      made[length++] = byte;
    }
    return made.subarray(0, length);
  }
}
