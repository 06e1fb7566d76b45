import { copyJson } from '../sources/copy-statements.ts';
import { asItComes, type Format, nothing } from './format.ts';
import { jsonRows, jsonType } from './json-rows.ts';

/**
 * Newline-delimited JSON as PostgreSQL writes it (row_to_json): an object a line, LF behind each, keys
 * in the order of the columns, NULL as null. Integers of 64 bits and exact numbers are strings, bytes
 * are base64; NaN and the infinities of doubles are strings, because JSON has none.
 */
export const ndjson: Format = {
  extension: 'ndjson',
  contentType: 'application/x-ndjson',
  pagesOfPart: 512,
  encodedBeside: false,
  isText: true,
  copy: copyJson,
  line: { before: '', behind: '\n' },
  prologue: () => nothing,
  encoder: asItComes,
  glue: () => nothing,
  epilogue: () => nothing,
  fileType: jsonType,
  show: (_, copied) => jsonRows(copied),
};
