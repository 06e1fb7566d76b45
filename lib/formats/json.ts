import { copyJson } from '../sources/copy-statements.ts';
import { type Format, nothing } from './format.ts';
import { jsonRows, jsonType } from './json-rows.ts';

/**
 * One JSON array, an object a line, with the values of NDJSON. A comma stands before each object
 * from the beginning, so that nothing has to be moved: the first one of a part is left out.
 */
export const json: Format = {
  extension: 'json',
  contentType: 'application/json',
  pagesOfPart: 512,
  encodedBeside: false,
  isText: true,
  copy: copyJson,
  line: { before: ',', behind: '\n' },
  prologue: () => Buffer.from('[\n'),
  encoder: () => ({ encode: withoutFirstByte }),
  glue: (rowsBefore) => (rowsBefore ? Buffer.from(',') : nothing),
  epilogue: () => Buffer.from(']\n'),
  fileType: jsonType,
  show: (_, copied) => jsonRows(copied),
};

async function* withoutFirstByte(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun = false;
  for await (const piece of source) {
    yield begun || piece.length === 0 ? piece : piece.subarray(1);
    begun ||= piece.length > 0;
  }
}
