import { copyJson } from '../sources/copy-statements.ts';
import { type Format, nothing } from './format.ts';
import { JsonEncoder } from './json-encoder.ts';
import { isMade, jsonType } from './json-kinds.ts';
import { jsonRows } from './json-rows.ts';

/**
 * Newline-delimited JSON of the values as PostgreSQL writes them (row_to_json): an object a line, LF behind
 * each, keys in the order of the columns, NULL as null. Integers of 64 bits and exact numbers are strings,
 * bytes are base64; NaN and the infinities of doubles are strings, because JSON has none.
 */
export const ndjson: Format = {
  extension: 'ndjson',
  contentType: 'application/x-ndjson',
  pagesOfPart: 512,
  encodedBeside: true,
  isText: true,
  copy: (selection) => copyJson(selection, isMade),
  prologue: () => nothing,
  encoder: (columns) => new JsonEncoder(columns),
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: jsonType,
  show(columns, copied) {
    const encoder = new JsonEncoder(columns);
    const lines: Buffer[] = [];
    for (const piece of encoder.lines(copied)) lines.push(Buffer.from(piece));
    return jsonRows(Buffer.concat([...lines, encoder.rest()]));
  },
};
