import type { Encoder } from '../format.ts';

const [quote, lineFeed, carriageReturn] = [0x22, 0x0a, 0x0d];

/**
 * Inserts CR before each LF that ends a row of COPY's CSV. An LF inside a value is between quotes, and a quote
 * inside a value is doubled, so an LF ends a row exactly if an even number of quotes precedes it. No other character
 * of UTF-8 contains these bytes, so chunks may be cut anywhere.
 */
export class CrlfEncoder implements Encoder {
  rows = 0;
  #isQuoted = false;
  #output = Buffer.alloc(0);

  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let last = lineFeed;
    for await (const chunk of source) {
      if (chunk.length === 0) continue;
      yield this.#converted(chunk);
      last = chunk.at(-1) ?? last;
    }
    if (this.#isQuoted || last !== lineFeed) throw new Error('the rows end inside a row');
  }

  #converted(chunk: Buffer): Buffer {
    if (this.#output.length < 2 * chunk.length)
      this.#output = Buffer.allocUnsafeSlow(2 * chunk.length);
    const output = this.#output;
    let length = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === quote) this.#isQuoted = !this.#isQuoted;
      else if (byte === lineFeed && !this.#isQuoted) {
        this.rows++;
        output[length++] = carriageReturn;
      }
      output[length++] = byte;
    }
    return output.subarray(0, length);
  }
}
