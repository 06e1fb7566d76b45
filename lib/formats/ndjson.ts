import { copyJsonLines } from '../sources/query.ts';
import { type Encoder, type Format, nothing } from './format.ts';
import { jsonType, LineCounter } from './json-rows.ts';

/**
 * Newline-delimited JSON as PostgreSQL writes it (row_to_json): an object a line, LF behind each, keys
 * in the order of the columns, NULL as null. Integers of 64 bits and exact numbers are strings, bytes
 * are base64; NaN and the infinities of doubles are strings, because JSON has none.
 */
export const ndjson: Format = {
  extension: 'ndjson',
  contentType: 'application/x-ndjson',
  copy: (selection) => copyJsonLines(selection),
  prologue: () => nothing,
  encoder: () => new LinesEncoder(),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: jsonType,
};

class LinesEncoder extends LineCounter implements Encoder {
  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of source) {
      this.count(piece);
      yield piece;
    }
    this.end();
  }
}
