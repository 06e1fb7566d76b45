import { copyJsonLines } from '../sources/query.ts';
import { type Encoder, type Format, nothing } from './format.ts';
import { jsonType, LineCounter } from './json-rows.ts';

/**
 * One JSON array, an object a line, with the values of NDJSON. The server writes a comma before each
 * object, so that nothing has to be moved: the first one of a unit is left out.
 */
export const json: Format = {
  extension: 'json',
  contentType: 'application/json',
  copy: (selection) => copyJsonLines(selection, ','),
  prologue: () => Buffer.from('[\n'),
  encoder: () => new ArrayEncoder(),
  glue: (rowsBefore) => (rowsBefore ? Buffer.from(',') : nothing),
  epilogue: () => Buffer.from(']\n'),
  fileType: jsonType,
};

class ArrayEncoder extends LineCounter implements Encoder {
  async *encode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let begun = false;
    for await (const piece of source) {
      this.count(piece);
      yield begun || piece.length === 0 ? piece : piece.subarray(1);
      begun ||= piece.length > 0;
    }
    this.end();
  }
}
